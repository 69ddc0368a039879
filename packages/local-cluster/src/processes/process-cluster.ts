import { join } from "node:path";
import { connect, type QuorumFs } from "@quorumfs/client";
import { type Clock, type ErrorCode, QuorumError } from "@quorumfs/core";
import { systemClock } from "@quorumfs/runtime";
import { describeExit, errorOfExit, type Exit } from "../adapters/child.js";
import { prepareDataDirectory, superNodeDirectory } from "../adapters/data-directory.js";
import { isPortFree } from "../adapters/free-ports.js";
import { waitUntil } from "../cluster/wait-until.js";
import { type Party, partyName } from "../faults/party.js";
import { binaryScript } from "./binary-script.js";
import type { ProcessEvent } from "./events.js";
import { ProcessMember } from "./process-member.js";

export interface ProcessClusterOptions {
  /** DataNodes. */
  readonly nodes: number;
  /** N. */
  readonly replicas: number;
  readonly host: string;
  /** The SuperNode's port; DataNode i gets this plus i. */
  readonly port: number;
  readonly dataDir: string;
  /** DataNodes are put into these in turn; default: all into one. */
  readonly zones?: readonly string[];
  /** What DataNodes are told on their command line on top: `["--upload-lease", "10s"]`. */
  readonly dataNodeArgs?: readonly string[];
  readonly logLevel?: "error" | "warn" | "info" | "debug";
  /** Where the console listens, or on the next port that is free. Default: there is none. */
  readonly consolePort?: number | undefined;
  /** Whether DataNodes serve their metrics, each on a port of its own. Default: no. */
  readonly metrics?: boolean;
  readonly onEvent?: (event: ProcessEvent) => void;
  /** For the start in all; default 30,000. */
  readonly timeoutMs?: number;
}

/** Whatever the cluster's own address is: files are for programs that it lets in, the page is for whoever sits here. */
const consoleHost = "127.0.0.1";
/** More clusters than this on one machine take any port. */
const consolePortsMax = 20;

/** A process that ends by itself again and again is started ever more rarely; who ran this long starts afresh. */
const restartDelayMs = { first: 1_000, most: 30_000, forgottenAfter: 60_000 } as const;

/**
 * Starts a cluster of real processes on this machine, and resolves when it takes writes. A process that dies is started
 * again; none outlives this one, however it ends.
 *
 * @throws QuorumError one sentence on what is in the way: a port, the data directory, the disk. Nothing is left running.
 */
export async function startProcessCluster(options: ProcessClusterOptions): Promise<ProcessCluster> {
  const { timeoutMs = 30_000 } = options;
  await requireFreePorts(options);
  prepareDataDirectory({ path: options.dataDir, nodes: options.nodes, replicas: options.replicas });
  const consolePort = await firstFreePort(options.consolePort);
  const cluster = new ProcessCluster({ ...options, consolePort }, systemClock());
  try {
    await cluster.startAll(timeoutMs);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function requireFreePorts({ host, port, nodes }: ProcessClusterOptions): Promise<void> {
  for (let index = 0; index <= nodes; index += 1) {
    if (await isPortFree(host, port + index)) continue;
    const who = partyName(index === 0 ? "supernode" : index);
    throw new QuorumError({
      code: "unavailable",
      message:
        `port ${port + index} on ${host}, for ${who}, is in use: is a cluster running already? ` +
        `Stop what listens there or choose another base port, for example --port ${port + 1000}`,
    });
  }
}

/** Found here rather than by the SuperNode, so that it is the same after a restart. */
async function firstFreePort(wanted: number | undefined): Promise<number | undefined> {
  if (wanted === undefined || wanted === 0) return wanted;
  for (let port = wanted; port < wanted + consolePortsMax && port <= 65_535; port += 1) {
    if (await isPortFree(consoleHost, port)) return port;
  }
  return 0;
}

interface RestartState {
  /** Before its next restart. */
  readonly delayMs: number;
  readonly readyAtMs: number;
}

export class ProcessCluster implements AsyncDisposable {
  readonly superNode: ProcessMember;
  readonly dataNodes: readonly ProcessMember[];
  readonly #options: ProcessClusterOptions;
  readonly #clock: Clock;
  readonly #restarts = new Map<ProcessMember, RestartState>();
  #onEndDuringStart: ((error: QuorumError) => void) | undefined;
  #closing: Promise<void> | undefined;

  /** Use {@link startProcessCluster}. */
  constructor(options: ProcessClusterOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.superNode = this.#member("supernode");
    this.dataNodes = Array.from({ length: options.nodes }, (_, index) => this.#member(index + 1));
  }

  get members(): readonly ProcessMember[] {
    return [this.superNode, ...this.dataNodes];
  }

  /** For `connect({ endpoints })` and for the command line. */
  get endpoints(): readonly string[] {
    return [this.superNode.address];
  }

  /** `http://127.0.0.1:7080`; undefined if there is none. */
  get consoleUrl(): string | undefined {
    return this.superNode.consoleUrl;
  }

  /** Starts every member, and resolves when the cluster takes writes. A member that ends meanwhile is a failure. */
  async startAll(timeoutMs: number): Promise<void> {
    const ended = new Promise<never>((_resolve, reject) => {
      this.#onEndDuringStart = reject;
    });
    const started = async (): Promise<void> => {
      await this.start(this.superNode);
      await Promise.all(this.dataNodes.map((node) => this.start(node)));
      this.#tell({ kind: "checking" });
      await this.ready(timeoutMs);
    };
    await Promise.race([started(), ended]);
    this.#onEndDuringStart = undefined;
  }

  /** Resolves when the member serves. */
  async start(member: ProcessMember, again = false): Promise<void> {
    const startedMs = this.#clock.nowMs();
    this.#tell({ kind: "starting", member: member.party });
    try {
      await member.start();
    } catch (thrown) {
      throw startError(member, QuorumError.from(thrown));
    }
    const readyAtMs = this.#clock.nowMs();
    const delayMs = this.#restarts.get(member)?.delayMs ?? restartDelayMs.first;
    this.#restarts.set(member, { delayMs, readyAtMs });
    this.#tell({ kind: "started", member: member.party, tookMs: readyAtMs - startedMs, again });
  }

  /**
   * Resolves when there is a layout, every DataNode is up and a voted read is answered.
   *
   * @throws QuorumError `unavailable`, with what is missing
   */
  async ready(timeoutMs: number): Promise<void> {
    const client = await connect({ endpoints: this.endpoints, timeoutMs });
    try {
      await waitUntil({
        what: "the cluster took writes",
        condition: () => this.#takesWrites(client),
        timeoutMs,
        clock: this.#clock,
      });
    } finally {
      await client.close();
    }
  }

  /** Stops the DataNodes, then the SuperNode, each in order. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #takesWrites(client: QuorumFs): Promise<boolean> {
    const { ready, nodes, condition } = await client.status();
    const isUp = (id: Party) => nodes.some((node) => node.id === id && node.state === "up");
    if (!ready) throw new QuorumError({ code: "unavailable", message: condition });
    if (!this.dataNodes.every(({ party }) => isUp(party))) return false;
    return client.stat("files/.ready", { timeoutMs: 2_000 }).then(
      () => true,
      (error: unknown) => QuorumError.from(error).code === "not_found",
    );
  }

  async #close(): Promise<void> {
    this.#tell({ kind: "stopping" });
    await Promise.all(this.dataNodes.map((node) => node.stop()));
    await this.superNode.stop();
  }

  #member(party: number | "supernode"): ProcessMember {
    const { host, port, dataDir, nodes, replicas, zones = [], dataNodeArgs = [], logLevel = "info" } = this.#options;
    const { consolePort = "off" } = this.#options;
    const metricsArgs = this.#options.metrics === true ? [] : ["--metrics-port", "off"];
    const consoleArgs = ["--console-host", consoleHost, "--console-port", String(consolePort)];
    const index = party === "supernode" ? 0 : party;
    const component = party === "supernode" ? "supernode" : "datanode";
    const name = party === "supernode" ? superNodeDirectory : `datanode-${party}`;
    const directory = join(dataDir, name);
    const logDir = join(dataDir, "logs");
    const args = ["--host", host, "--port", String(port + index), "--data-dir", directory, "--log-dir", logDir];
    const zone = zones[(index - 1) % zones.length];
    const zoneArgs = zone === undefined ? [] : ["--zone", zone];
    const own =
      party === "supernode"
        ? ["--replicas", String(replicas), "--initial-nodes", String(nodes), ...consoleArgs]
        : ["--node-id", String(party), "--supernode", `${host}:${port}`, ...zoneArgs, ...metricsArgs, ...dataNodeArgs];
    return new ProcessMember({
      party,
      address: `${host}:${port + index}`,
      directory,
      logFile: join(logDir, `${component}-${port + index}.log`),
      script: binaryScript(component),
      args: [...args, ...own, "--log-level", logLevel, "--log-format", "none"],
      clock: this.#clock,
      onUnexpectedExit: (member, exit, wasReady) => this.#onUnexpectedExit(member, exit, wasReady),
    });
  }

  #onUnexpectedExit(member: ProcessMember, exit: Exit, wasReady: boolean): void {
    if (this.#closing) return;
    if (this.#onEndDuringStart) {
      this.#onEndDuringStart(startError(member, errorOfExit(exit)));
      return;
    }
    const how = describeExit(exit);
    const { code } = errorOfExit(exit);
    if (!wasReady || (exit.signal === null && !mayPass(code))) {
      this.#tell({ kind: "ended", member: member.party, how, next: { kind: "left", command: member.command } });
      return;
    }
    const inMs = this.#nextRestartDelay(member);
    this.#tell({ kind: "ended", member: member.party, how, next: { kind: "restart", inMs } });
    this.#clock.after(inMs, () => {
      // A failure is told by the exit that comes with it.
      if (!this.#closing) this.start(member, true).catch(() => undefined);
    });
  }

  #nextRestartDelay(member: ProcessMember): number {
    const { first, most, forgottenAfter } = restartDelayMs;
    const state = this.#restarts.get(member) ?? { delayMs: first, readyAtMs: 0 };
    const inMs = this.#clock.nowMs() - state.readyAtMs >= forgottenAfter ? first : state.delayMs;
    this.#restarts.set(member, { ...state, delayMs: Math.min(inMs * 2, most) });
    return inMs;
  }

  #tell(event: ProcessEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** A crash, a full disk or a port that is still taken may pass; a cluster that refuses its DataNode will do so again. */
function mayPass(code: ErrorCode): boolean {
  return code === "internal" || code === "unavailable" || code === "resource_exhausted";
}

function startError(member: ProcessMember, cause: QuorumError): QuorumError {
  const message = `${partyName(member.party)} did not start: ${cause.message}`;
  return new QuorumError({ code: cause.code, message, cause });
}
