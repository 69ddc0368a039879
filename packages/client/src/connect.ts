import { type Clock, type Log, type Network, QuorumError, type Random } from "@quorumfs/core";
import { grpcNetwork } from "@quorumfs/rpc";
import { noTracer, type Tracer } from "@quorumfs/telemetry/lean";
import { silentLog, systemClock, systemRandom } from "@quorumfs/runtime/lean";
import { holdProcess } from "./adapters/hold-process.js";
import { Client } from "./client.js";
import { checkTimeout } from "./options.js";
import type { QuorumFs } from "./quorumfs.js";

export interface ConnectOptions {
  /** `host:port` of SuperNodes; tried in turn. */
  readonly endpoints: readonly string[];
  /** How long to look for a SuperNode. Default 5,000. */
  readonly timeoutMs?: number;
  /** Ports: default to the operating system's; a simulation hands in its own. */
  readonly network?: Network;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: silent. Retries are logged as `operation.retried` (debug), outages as `cluster.lost` (warn). */
  readonly log?: Log;
  /** Where the spans of operations go; default: nowhere. */
  readonly tracer?: Tracer;
}

// Long enough for a cluster that was started a moment ago, short enough for a person who mistyped the address.
const connectTimeoutMs = 5_000;

/**
 * Connects to a cluster through its SuperNode, which is needed now and for administration, but not for reads and writes:
 * they go on while it is away. Close the client when done; until then it keeps the process alive.
 *
 * Succeeds also while the cluster is forming; its operations then say so.
 *
 * @throws QuorumError `unavailable` if no SuperNode answers in time
 */
export async function connect(options: ConnectOptions): Promise<QuorumFs> {
  const { endpoints, log = silentLog, clock = systemClock(), random = systemRandom(), tracer = noTracer } = options;
  for (const endpoint of endpoints) checkEndpoint(endpoint);
  if (endpoints.length === 0) throw invalid("endpoints is empty; give the host:port of a SuperNode");
  const timeoutMs = checkTimeout(options.timeoutMs ?? connectTimeoutMs);
  const network = options.network ?? grpcNetwork({ log });
  const release = options.clock ? () => undefined : holdProcess();
  const client = new Client({ endpoints, network, clock, random, log, tracer, onClosed: release });
  try {
    await client.open(timeoutMs);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

function checkEndpoint(endpoint: string): void {
  const port = Number(/^.+:(\d{1,5})$/.exec(endpoint)?.[1]);
  if (port >= 1 && port <= 65_535) return;
  throw invalid(`endpoint ${JSON.stringify(endpoint)} is not HOST:PORT, for example 127.0.0.1:7000`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
