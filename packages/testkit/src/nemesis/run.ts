/** A whole run: start the cluster and its clients, injure it, let it heal, look at what is left of every promise. */
import type { QuorumFs } from "@quorumfs/client";
import { type Clock, QuorumError, type Random } from "@quorumfs/core";
import { partyName } from "@quorumfs/local-cluster";
import { checkLinearizable, formatTimeline, type Operation, type Plot } from "@quorumfs/workload-generator";
import type { Machine } from "./adapters/machine.js";
import { noChunksLeft, readAll } from "./audit/final-state.js";
import { findViolations, type Violation } from "./audit/violations.js";
import { ClusterHealth } from "./bed/health.js";
import { TestBed } from "./bed/test-bed.js";
import { Driver } from "./driver.js";
import { Dice } from "./faults/dice.js";
import { kindsOf } from "./faults/kinds.js";
import { Crew } from "./load/crew.js";
import type { FileSet } from "./load/messages.js";
import { Samples } from "./load/samples.js";
import type { FaultName, NemesisConfig } from "./options.js";
import { type NemesisReport, rowsOf, type Verification } from "./report/report.js";
import type { FaultRecord, Note } from "./timeline.js";

export interface RunOptions {
  readonly config: NemesisConfig;
  readonly version: string;
  readonly command: string;
  readonly machine: Machine;
  /** Ends the run early, with a report of what there is. */
  readonly signal: AbortSignal;
  /** For people who watch. */
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly report: NemesisReport;
  readonly plots: readonly Plot[];
}

const bucket = "files";
/** R = 1, W = N: reads that need one replica, writes that need all. */
const narrowBucket = "narrow";
const operationTimeoutMs = 10_000;
const probes = 12;
const probeTimeoutMs = 1_000;
/** Shorter runs hurry: what takes seconds in others takes half of them. */
const fullPaceMinutes = 3;
const hurry = 0.4;
/** Leases of uploads have to run out, and the sweeps that look for them have to come round. */
const chunksTimeoutMs = 150_000;
const briefMinutes = 1;

const filesOf = (replicas: number): FileSet => {
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const wide = names(`${bucket}/nemesis/small/`, 36);
  const narrow = names(`${narrowBucket}/nemesis/small/`, 8);
  return {
    small: [...wide, ...narrow],
    big: names(`${bucket}/nemesis/big/`, 8),
    narrowBucket,
    // Two chunks and a half.
    bigBytesMax: 10 * 2 ** 20 + replicas,
    directories: [
      { name: `${bucket}/nemesis/small/`, files: wide },
      { name: `${narrowBucket}/nemesis/small/`, files: narrow },
    ],
  };
};

export async function runNemesis(options: RunOptions): Promise<RunResult> {
  const { machine } = options;
  const { kinds, skipped, volumes } = await possible(options);
  const workspace = await machine.workspace();
  const run = new Run({ ...options, dataDir: workspace.path, volumes, names: kinds, skipped });
  try {
    await run.start();
    await run.injure();
    await run.settle();
    const result = run.result();
    const keep = options.config.keep || result.report.violations.length > 0;
    await run.close(keep);
    await workspace.close(keep);
    return keep ? { ...result, report: { ...result.report, evidence: workspace.path } } : result;
  } catch (error) {
    await run.close(options.config.keep);
    await workspace.close(options.config.keep);
    throw error;
  }
}

/** What of the wanted faults this machine can do. */
async function possible({ config, machine }: RunOptions) {
  const skipped: { name: FaultName; why: string }[] = [];
  const without = (names: readonly FaultName[], why: string): void => {
    for (const name of names) if (config.faults.includes(name)) skipped.push({ name, why });
  };
  if (!machine.canFindProcesses) {
    throw new QuorumError({
      code: "unavailable",
      message: "this needs Linux: the network between processes is told apart by what /proc says of their sockets",
    });
  }
  const whyNoVolumes = config.faults.includes("disk-full") ? await machine.whyNoVolumes() : "not wanted";
  if (whyNoVolumes !== undefined) without(["disk-full"], `no small volume can be mounted here (${whyNoVolumes})`);
  const kinds = config.faults.filter((name) => !skipped.some((other) => other.name === name));
  return { kinds, skipped, volumes: whyNoVolumes === undefined };
}

interface RunParts extends RunOptions {
  readonly dataDir: string;
  /** Every DataNode gets a small volume. */
  readonly volumes: boolean;
  readonly names: readonly FaultName[];
  readonly skipped: NemesisReport["skipped"];
}

class Run {
  readonly #options: RunParts;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #files: FileSet;
  readonly #samples = new Samples();
  readonly #records: FaultRecord[] = [];
  readonly #notes: Note[] = [];
  readonly #violations: Violation[] = [];
  readonly #stop = new AbortController();
  #bed: TestBed | undefined;
  #admin: QuorumFs | undefined;
  #health: ClusterHealth | undefined;
  #crew: Crew | undefined;
  #driver: Driver | undefined;
  #startedAt = 0;
  #healedAt = Infinity;
  #endedAt = 0;
  #wasSettled = false;

  constructor(options: RunParts) {
    this.#options = options;
    this.#clock = options.machine.clock;
    this.#random = options.machine.seededRandom(options.config.seed);
    this.#files = filesOf(options.config.replicas);
    const stop = (): void => this.#stop.abort();
    if (options.signal.aborted) stop();
    options.signal.addEventListener("abort", stop, { once: true });
  }

  async start(): Promise<void> {
    const { config, machine, dataDir, volumes, say } = this.#options;
    const { watchdog } = machine;
    say(`seed ${config.seed}: starting a SuperNode and ${config.nodes} DataNodes in ${dataDir}`);
    const bed = await TestBed.start({
      ...{ nodes: config.nodes, replicas: config.replicas, zones: config.zones, dataDir, volumes, watchdog },
      clock: this.#clock,
      random: this.#random,
      uploadLease: config.minutes < briefMinutes ? "12s" : "40s",
      clientPids: () => this.#crew?.pids ?? [],
      onExit: (party, how) => this.#onExit(party, how),
    });
    this.#bed = bed;
    const admin = await bed.connect();
    this.#admin = admin;
    const health = new ClusterHealth({ client: admin, clock: this.#clock, bucket, signal: this.#stop.signal });
    this.#health = health;
    await health.until("the cluster takes writes", () => this.#probe(0));
    await admin.buckets.create(narrowBucket, { readQuorum: 1, writeQuorum: config.replicas });
    const crew = new Crew({
      ...{ clients: config.clients, operationsPerSecond: config.operationsPerSecond, files: this.#files },
      ...{ endpoints: bed.endpoints, timeoutMs: operationTimeoutMs, random: this.#random, clock: this.#clock },
      samples: this.#samples,
      startChild: (task, onMessage) => machine.startClient(task, onMessage),
      onFailure: (message) => this.#note(message),
      onFull: () => {
        this.#note("as many operations as can be checked: the run ends early; take a lower --ops-rate");
        this.#stop.abort();
      },
    });
    this.#crew = crew;
    this.#startedAt = this.#clock.nowMs();
    crew.start();
    await health.until("clients are served", async () => this.#samples.all.length > config.operationsPerSecond / 2);
  }

  /** Faults until time is up; resolves when their causes are gone. */
  async injure(): Promise<void> {
    const { config, names, machine, say } = this.#options;
    const { bed, admin, health, crew } = this.#parts();
    const dice = new Dice(this.#random);
    const pace = config.minutes < fullPaceMinutes ? hurry : 1;
    const kinds = kindsOf(names);
    const driver = new Driver({
      kinds,
      clock: this.#clock,
      signal: this.#stop.signal,
      tools: {
        ...{ bed, crew, admin, health, dice, pace, clients: config.clients, clock: this.#clock, disks: machine.disks },
        ...{ nodesAtFirst: config.nodes, replicas: config.replicas },
      },
      served: () => this.#served(),
      onInjected: ({ what }) => say(`${this.#elapsed()}  ${what}`),
      onRecord: (record) => this.#onRecord(record),
    });
    this.#driver = driver;
    await driver.run(config.minutes * 60_000);
  }

  /** The load ends, the cluster heals, and tells what it holds. */
  async settle(): Promise<void> {
    const { config, say } = this.#options;
    const { bed, admin, health, crew } = this.#parts();
    const stopped = this.#stop.signal;
    say(`${this.#elapsed()}  faults are over; the load ends`);
    await (stopped.aborted ? crew.killAll() : crew.stop());
    this.#endedAt = this.#clock.nowMs();
    if (stopped.aborted) return;
    const addresses = () => bed.dataNodes.map((party) => bed.node(party).address);
    await this.#must("not-recovered", () => health.until("all DataNodes are up", () => health.allUp(addresses())));
    await this.#must("not-recovered", () => health.until("all files are on all replicas", () => health.inSync()));
    if (stopped.aborted) return;
    say(`${this.#elapsed()}  healed; reading everything`);
    this.#healedAt = this.#clock.nowMs();
    const hash = (bytes: Uint8Array) => this.#options.machine.hash(bytes);
    const { reads, unreadable } = await readAll({ client: admin, files: this.#files, clock: this.#clock, hash });
    crew.history.read(reads);
    for (const { file, why } of unreadable) this.#violate("lost", why, file);
    await this.#must("not-recovered", () => health.scrubbed());
    if (config.minutes >= briefMinutes && !stopped.aborted) {
      const buckets = [bucket, narrowBucket];
      const left = { client: admin, health, buckets, timeoutMs: chunksTimeoutMs };
      await this.#must("leaked", () => noChunksLeft(left));
    }
    this.#wasSettled = !stopped.aborted;
  }

  result(): RunResult {
    const { config, version, command, skipped, say, machine } = this.#options;
    const { crew } = this.#parts();
    say(`${this.#elapsed()}  checking ${crew.history.size} operations`);
    const history = crew.history.operations;
    const verification = this.#verify(history);
    const violations = [...this.#violations, ...findViolations(history, this.#healedAt)];
    if (!verification.linearizable && violations.length === 0) {
      violations.push({ kind: "not-linearizable", file: undefined, what: "see the timeline", atMs: undefined });
    }
    const whole = { fromMs: this.#startedAt, toMs: this.#endedAt };
    const shift = (record: FaultRecord): FaultRecord => ({
      ...record,
      injectedAt: record.injectedAt - this.#startedAt,
      healedAt: record.healedAt === undefined ? undefined : record.healedAt - this.#startedAt,
      servedAt: record.servedAt === undefined ? undefined : record.servedAt - this.#startedAt,
      syncedAt: record.syncedAt === undefined ? undefined : record.syncedAt - this.#startedAt,
    });
    const report: NemesisReport = {
      ...{ version, command, config, skipped, violations, verification },
      startedAt: machine.isoTime(this.#clock.wallMs() - (this.#clock.nowMs() - this.#startedAt)),
      complete: this.#wasSettled,
      elapsedMs: this.#endedAt - this.#startedAt,
      rows: rowsOf({ records: this.#records, violations, samples: this.#samples, whole }),
      records: this.#records.map(shift),
      notes: this.#notes,
      answered: this.#samples.all.filter(({ failure }) => !failure).length,
      failures: Object.fromEntries(this.#samples.failures),
      evidence: undefined,
    };
    return { report, plots: this.#samples.plots(this.#startedAt, this.#endedAt) };
  }

  async close(keepData: boolean): Promise<void> {
    this.#stop.abort();
    await this.#crew?.killAll();
    await this.#admin?.close();
    await this.#bed?.close({ keepData });
  }

  #verify(history: readonly Operation[]): Verification {
    const startedAt = this.#clock.nowMs();
    const verdict = checkLinearizable(history);
    return {
      linearizable: verdict.ok,
      operations: history.length,
      unknown: history.filter(({ kind, outcome }) => kind !== "read" && outcome.kind === "unknown").length,
      files: new Set(history.map(({ file }) => file)).size,
      tookMs: this.#clock.nowMs() - startedAt,
      timeline: verdict.ok ? undefined : `${verdict.file}:\n${formatTimeline(verdict.minimal)}`,
    };
  }

  /** Resolves when every one of some files that lie all over the cluster has been written. */
  async #served(): Promise<void> {
    const { health } = this.#parts();
    const all = Array.from({ length: probes }, (_, index) =>
      health.until("clients are served everywhere", () => this.#probe(index)),
    );
    await Promise.all(all);
  }

  async #probe(index: number): Promise<boolean> {
    await this.#admin?.put(`${bucket}/probes/${index}`, `${this.#clock.nowMs()}`, { timeoutMs: probeTimeoutMs });
    return true;
  }

  #onRecord(record: FaultRecord): void {
    this.#records.push(record);
    const { trouble, what, alone } = record;
    if (trouble === undefined) return;
    this.#options.say(`${this.#elapsed()}  NOT AS PLANNED: ${what}: ${trouble}`);
    // Where other faults hit the same nodes meanwhile, the end of the run tells whether the cluster recovers.
    if (alone) this.#violate("not-recovered", `${what}: ${trouble}`, undefined);
  }

  #onExit(party: Parameters<typeof partyName>[0], how: string): void {
    const text = `${partyName(party)} ended by itself: ${how}`;
    this.#note(text);
    if (!this.#driver?.explains(party)) this.#violate("crashed", text, undefined);
  }

  #note(text: string): void {
    this.#options.say(`${this.#elapsed()}  ${text}`);
    this.#notes.push({ atMs: this.#clock.nowMs() - this.#startedAt, text });
  }

  #violate(kind: Violation["kind"], what: string, file: string | undefined): void {
    this.#violations.push({ kind, file, what, atMs: this.#clock.nowMs() });
  }

  async #must(kind: Violation["kind"], action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      if (code !== "cancelled") this.#violate(kind, message, undefined);
    }
  }

  #elapsed(): string {
    const seconds = this.#startedAt === 0 ? 0 : (this.#clock.nowMs() - this.#startedAt) / 1_000;
    return `${seconds.toFixed(1).padStart(7)} s`;
  }

  #parts() {
    const [bed, admin, health, crew] = [this.#bed, this.#admin, this.#health, this.#crew];
    if (bed && admin && health && crew) return { bed, admin, health, crew };
    throw new QuorumError({ code: "internal", message: "the run has not started" });
  }
}
