import type { QuorumFs } from "@quorumfs/client";
import { checkLinearizable, formatTimeline } from "@quorumfs/workload-generator";
import { Coverage } from "../simulation/coverage.js";
import { BallotWatch } from "./check/ballot-watch.js";
import { untilOnlyNamedChunks } from "./check/chunks.js";
import { LayoutWatch } from "./check/layout-watch.js";
import { untilLevel } from "./check/level.js";
import { SimulatedCluster } from "./cluster/simulated-cluster.js";
import { FaultRunner } from "./faults/fault-runner.js";
import type { SystemPlan } from "./plan/system-plan.js";
import { Contents } from "./workload/contents.js";
import { History } from "./workload/history.js";
import { SimulatedUser } from "./workload/simulated-user.js";
import type { Machine } from "./world/machine.js";
import type { SimulatedProcess } from "./world/simulated-process.js";
import { World } from "./world/world.js";

export interface SystemResult {
  /** What went wrong, if anything did. */
  readonly violation: string | undefined;
  /** Two runs of one plan share it. */
  readonly checksum: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly coverage: Coverage;
  /** Empty unless the run was traced. */
  readonly trace: readonly string[];
}

/** Leases, and what else waits for hours or days, in seconds: so that a run sees their ends. */
const hastyTimes = { uploadLeaseMs: 12_000, retireAfterMs: 3_000, scrubPeriodMs: 15_000, tombstoneGraceMs: 4_000 };

/** A DataNode that is away for so long is replaced, if enough others live. */
const deadAfterMs = 20_000;

/** Two minutes of virtual time after the last fault: far longer than anything that heals by itself takes. */
const healingMs = 120_000;

/** A chunk that no version names stays until nobody has read it for ten minutes, if times are as they are by default. */
const lingeringMs = 600_000;

export interface RunOptions {
  /** Whether the result has a readable trace. */
  readonly traced?: boolean;
  /** Told of the cluster before it starts. */
  readonly prepare?: (cluster: SimulatedCluster) => void;
}

/** Plays a plan to its end, and checks what came of it. */
export async function runSystem(plan: SystemPlan, options: RunOptions = {}): Promise<SystemResult> {
  const world = new World({ seed: plan.seed, readable: options.traced ?? false });
  const run = new SystemRun(plan, world);
  options.prepare?.(run.cluster);
  let violation: string | undefined;
  try {
    await world.run(run.play());
  } catch (thrown) {
    violation = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  }
  violation ??= run.check();
  const { coverage } = run;
  coverage.count("runs");
  coverage.count("events", world.events);
  coverage.count("virtual seconds", Math.round(world.nowMs / 1000));
  const { checksum, lines } = world.trace;
  return { violation, checksum, events: world.events, virtualMs: world.nowMs, coverage, trace: lines };
}

class SystemRun {
  readonly coverage = new Coverage();
  readonly #plan: SystemPlan;
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #history: History;
  readonly #contents = new Contents();
  readonly #ballots = new BallotWatch();
  readonly #layouts = new LayoutWatch();
  /** By place: another one comes when one dies. */
  readonly #clients: { process: SimulatedProcess; machine: Machine }[] = [];
  #clientsSoFar = 0;
  /** Clients that have not come to the end of what they are to do. */
  readonly #working = new Set<Promise<void>>();

  constructor(plan: SystemPlan, world: World) {
    this.#plan = plan;
    this.#world = world;
    this.#history = new History(world, this.#contents);
    const { nodes, partitions, buckets, hasty } = plan;
    const replicas = buckets[0]?.replicas ?? 3;
    const times = { compareEveryMs: 10_000, ...(hasty ? hastyTimes : {}) };
    this.#cluster = new SimulatedCluster({
      world,
      nodes,
      superNode: { replicas, partitions, initialNodes: nodes, deadAfterMs },
      dataNode: times,
    });
    this.#cluster.network.observe = (path, message) => {
      this.#ballots.see(path, message);
      this.#layouts.see(path, message);
    };
  }

  get cluster(): SimulatedCluster {
    return this.#cluster;
  }

  async play(): Promise<void> {
    const { buckets, clients, operations, faults, troubleMs } = this.#plan;
    const cluster = this.#cluster;
    await cluster.start();
    for (const server of [cluster.superNode, ...cluster.dataNodes]) void server.supervise();
    const { client } = await cluster.connect();
    for (const { name, read, write, durability } of buckets) {
      await client.buckets.create(name, { readQuorum: read, writeQuorum: write, durability });
      this.coverage.count(`buckets: ${durability}`);
    }

    const runner = new FaultRunner({
      cluster,
      admin: client,
      coverage: this.coverage,
      seed: this.#plan.seed,
      clients: () => this.#clients.map(({ machine }) => machine),
      killClient: (index) => this.#killClient(index),
    });
    const places = Array.from({ length: clients }, (_, place) => place);
    const trouble = runner.run(faults);
    for (const place of places) this.#begin(place, operations);
    const work = Promise.all(this.#working);
    await Promise.all([trouble, Promise.race([work, this.#world.sleep(troubleMs)])]);
    this.#world.say(() => "everything is put right");
    runner.heal();
    // Whoever takes machines out of a cluster of three puts others in.
    if (faults.some(({ kind }) => kind === "remove" || kind === "lost disk" || kind === "old disk")) {
      void cluster.addDataNode().supervise();
    }
    await Promise.race([work, this.#world.sleep(60_000)]);
    await this.#convalesce(client);
  }

  /** All is well again: everything must work, and what was acknowledged must be there. */
  async #convalesce(admin: QuorumFs): Promise<void> {
    const inUse = () => this.#cluster.dataNodes.flatMap(({ latest }) => (latest ? [latest.nodeId] : []));
    const level = untilLevel({ world: this.#world, admin, withinMs: healingMs, inUse });
    const user = await this.#newUser(this.#plan.clients);
    const names = this.#files;
    const reads = Promise.all(names.map((name) => user.readAtLast(name, healingMs)));
    const writes = Promise.all(names.slice(0, 2).map((name) => user.writeAtLast(name, healingMs)));
    await Promise.all([level, reads, writes]);
    while (this.#working.size > 0) await Promise.all(this.#working);
    await untilLevel({ world: this.#world, admin, withinMs: healingMs, inUse });
    await Promise.all(names.map((name) => user.readAtLast(name, healingMs)));
    await untilOnlyNamedChunks({
      cluster: this.#cluster,
      admin,
      coverage: this.coverage,
      files: names,
      daysGoBy: !this.#plan.hasty,
      withinMs: healingMs + (this.#plan.hasty ? 0 : lingeringMs),
    });
  }

  get #files(): readonly string[] {
    const { buckets, filesPerBucket } = this.#plan;
    return buckets.flatMap(({ name }) => Array.from({ length: filesPerBucket }, (_, index) => `${name}/file${index}`));
  }

  /** What is seen of the outside must be what registers could have done. */
  check(): string | undefined {
    const verdict = checkLinearizable(this.#history.operations);
    this.coverage.count("operations", this.#history.operations.length);
    this.coverage.count("votes seen", this.#ballots.votes);
    this.coverage.count("layouts published", this.#layouts.published);
    for (const [event, count] of this.#cluster.logs.counts) this.coverage.count(`log: ${event}`, count);
    if (verdict.ok) return undefined;
    return `${verdict.file} is not linearizable:\n${formatTimeline(verdict.minimal)}`;
  }

  #begin(place: number, operations: number): void {
    const work = this.#workAt(place, operations).finally(() => this.#working.delete(work));
    this.#working.add(work);
    work.catch((thrown: unknown) => this.#world.fail(thrown));
  }

  /** Until the work is done, or its client has died; also while that still connects. */
  async #workAt(place: number, operations: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#newUser(place, (process) => process.onDeath(() => resolve()))
        .then((user) => user.work(operations))
        .then(resolve, reject);
    });
  }

  async #newUser(place: number, onProcess: (process: SimulatedProcess) => void = ignore): Promise<SimulatedUser> {
    const { buckets, filesPerBucket, largeShare, thinkMs } = this.#plan;
    this.#clientsSoFar += 1;
    const name = `c${this.#clientsSoFar}`;
    const { client, process } = await this.#cluster.connect((process) => {
      this.#clients[place] = { process, machine: process.machine };
      onProcess(process);
    });
    return new SimulatedUser({
      world: this.#world,
      history: this.#history,
      contents: this.#contents,
      coverage: this.coverage,
      buckets: buckets.map((bucket) => bucket.name),
      filesPerBucket,
      largeShare,
      thinkMs,
      name,
      client,
      random: process.world.random.fork(),
    });
  }

  #killClient(index: number): void {
    const place = index % this.#plan.clients;
    const client = this.#clients[place];
    if (!client || client.process.isDead) return;
    this.#world.say(() => `${client.machine.name} dies`);
    client.process.kill("killed");
    this.#begin(place, this.#plan.operations >> 1);
  }
}

function ignore(): void {}
