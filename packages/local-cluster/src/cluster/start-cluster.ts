import { join } from "node:path";
import { startConsole } from "@quorumfs/console";
import { type Log, QuorumError, replicasMax } from "@quorumfs/core";
import { type DataNodeConfig, dataNodeConfig, startDataNode } from "@quorumfs/datanode";
import { grpcNetwork } from "@quorumfs/rpc";
import type { Tracer } from "@quorumfs/telemetry/lean";
import { openDiskProbe, processFacts, silentLog, systemClock, systemRandom, versionOf } from "@quorumfs/runtime";
import { Metrics } from "@quorumfs/telemetry";
import { startSuperNode, type SuperNodeConfig, superNodeConfig } from "@quorumfs/supernode";
import { freePorts } from "../adapters/free-ports.js";
import { temporaryDirectory } from "../adapters/temporary-directory.js";
import { FaultTable } from "../faults/fault-table.js";
import { type AddNodeOptions, LocalCluster } from "./local-cluster.js";
import { Member, type Surroundings } from "./member.js";
import { seededRandom } from "./seeded-random.js";

export interface StartClusterOptions {
  /** DataNodes, 1 to 50; default 3. */
  readonly nodes?: number;
  /** N; default 3, or `nodes` if that is less. */
  readonly replicas?: number;
  /** Where the data is, and stays. Default: a temporary directory that is removed by `close()`. */
  readonly dataDir?: string;
  /** Default: silent. */
  readonly log?: Log;
  /** Where the spans of DataNodes go; clients get their own. Default: nowhere. */
  readonly tracer?: Tracer;
  /** Decides which messages `dropMessages({ fraction })` hits. Default: a random one; see `cluster.seed`. */
  readonly seed?: number;
  /** DataNodes that are not started with the others, but by `restart`. Until then a new cluster keeps forming. */
  readonly initiallyStopped?: readonly number[];
  /** What DataNodes are told on top: shorter leases, say. */
  readonly dataNode?: Omit<Partial<DataNodeConfig>, "host" | "port" | "advertise" | "nodeId" | "supernode">;
  /** What the SuperNode is told on top: sooner suspicions, say. */
  readonly superNode?: Omit<Partial<SuperNodeConfig>, "host" | "port" | "replicas" | "initialNodes">;
  /** DataNodes are put into these in turn; default: all into one. */
  readonly zones?: readonly string[];
  /** Serves the console on a free port: see `cluster.consoleUrl`. It goes on while the SuperNode is away. Default: none. */
  readonly console?: boolean | ClusterConsoleOptions;
  /** For the start in all; default 20,000. */
  readonly timeoutMs?: number;
}

export interface ClusterConsoleOptions {
  /** What the console asks for. Default: nothing. */
  readonly token?: string;
  /** Of the page as it was built. */
  readonly pageDirectory?: string;
}

const version = versionOf(new URL("../../package.json", import.meta.url));
const host = "127.0.0.1";
const nodesMax = 50;

/**
 * Starts a SuperNode and DataNodes in this process, on free loopback ports, and resolves when writes are accepted.
 * It is the real thing (the services' own code, gRPC, LMDB with fsync), only in one process, and with a network that
 * can be told to misbehave. Made for tests:
 *
 * ```ts
 * await using cluster = await startCluster({ nodes: 3 });
 * const client = await cluster.client();
 * await cluster.kill(2);
 * await client.put("files/state.json", "{}"); // two of three votes are a quorum
 * ```
 *
 * @throws QuorumError `invalid_argument`; `unavailable` if it is not ready in time
 */
export async function startCluster(options: StartClusterOptions = {}): Promise<LocalCluster> {
  const { nodes = 3, initiallyStopped = [], timeoutMs = 20_000 } = options;
  const replicas = options.replicas ?? Math.min(3, nodes);
  requireCount({ name: "nodes", value: nodes, max: nodesMax });
  requireCount({ name: "replicas", value: replicas, max: Math.min(nodes, replicasMax) });

  const random = systemRandom();
  const seed = options.seed ?? Math.floor(random.fraction() * 2 ** 32);
  const temporary = options.dataDir === undefined ? await temporaryDirectory("quorumfs-cluster-") : undefined;
  const dataDir = options.dataDir ?? temporary?.path ?? "";
  const surroundings: Surroundings = {
    network: grpcNetwork({ log: options.log ?? silentLog }),
    clock: systemClock(),
    random,
    log: options.log ?? silentLog,
    faults: new FaultTable(seededRandom(seed)),
    parties: new Map(),
  };
  const basePort = await freePorts({ host, count: nodes + 1, random });
  const settings = options.superNode;
  let metrics = new Metrics();
  const newMetrics = (): Metrics => (metrics = new Metrics());
  const superNode = superNodeMember({
    newMetrics,
    surroundings,
    dataDir,
    port: basePort,
    replicas,
    initialNodes: nodes,
    settings,
  });
  const makeNode = (id: number, port: number, own: AddNodeOptions = {}): Member => {
    const zone = options.zones?.[(id - 1) % options.zones.length];
    const placed = { ...options.dataNode, ...(zone !== undefined && { zone }), ...own };
    const { tracer } = options;
    return dataNodeMember({ surroundings, dataDir, port, id, superNode: superNode.address, settings: placed, tracer });
  };
  const dataNodes = Array.from({ length: nodes }, (_, index) => makeNode(index + 1, basePort + index + 1));
  const wantedConsole = options.console === true ? {} : options.console;
  const cluster = new LocalCluster({
    surroundings,
    superNode,
    dataNodes,
    makeNode: async (id, own) => makeNode(id, await freePorts({ host, count: 1, random }), own),
    startConsole: ({ token, pageDirectory } = {}) =>
      startConsole({
        config: { port: 0, token },
        endpoints: [superNode.address],
        network: surroundings.network,
        clock: surroundings.clock,
        random,
        log: surroundings.log,
        version,
        metrics: () => [metrics],
        ...(pageDirectory !== undefined && { pageDirectory }),
      }),
    dataDir,
    seed,
    removeData: async () => temporary?.remove(),
  });
  try {
    await superNode.start();
    const first = dataNodes.filter(({ party }) => !initiallyStopped.some((id) => id === party));
    await Promise.all(first.map((node) => node.start()));
    if (first.length === nodes) await cluster.ready(timeoutMs);
    if (wantedConsole) await cluster.openConsole(wantedConsole);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

function superNodeMember(options: {
  /** Each life of the SuperNode counts from the beginning, as a process does. */
  newMetrics: () => Metrics;
  surroundings: Surroundings;
  dataDir: string;
  port: number;
  replicas: number;
  initialNodes: number;
  settings: StartClusterOptions["superNode"];
}): Member {
  const { newMetrics, surroundings, dataDir, port, replicas, initialNodes, settings } = options;
  return new Member({
    party: "supernode",
    address: `${host}:${port}`,
    directory: join(dataDir, "supernode"),
    store: "control",
    surroundings,
    start: (ports) =>
      startSuperNode({
        ...ports,
        processFacts,
        version,
        metrics: newMetrics(),
        config: superNodeConfig({ ...settings, host, port, replicas, initialNodes }),
      }),
  });
}

function dataNodeMember(options: {
  surroundings: Surroundings;
  dataDir: string;
  port: number;
  id: number;
  superNode: string;
  settings: StartClusterOptions["dataNode"];
  tracer: Tracer | undefined;
}): Member {
  const { surroundings, dataDir, port, id, superNode, settings, tracer } = options;
  return new Member({
    party: id,
    address: `${host}:${port}`,
    directory: join(dataDir, `datanode-${id}`),
    store: "records",
    surroundings,
    start: ({ openContent, ...ports }) =>
      startDataNode({
        ...ports,
        content: openContent(),
        ...(tracer && { tracer }),
        checkup: { processFacts, diskProbe: openDiskProbe(join(dataDir, `datanode-${id}`)) },
        version,
        config: dataNodeConfig({ ...settings, host, port, nodeId: id, supernode: superNode }),
      }),
  });
}

function requireCount(options: { name: string; value: number; max: number }): void {
  const { name, value, max } = options;
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new QuorumError({
    code: "invalid_argument",
    message: `${name} must be a whole number from 1 to ${max}, got ${value}`,
  });
}
