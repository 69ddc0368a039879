import { AssertionError, nodeId } from "@quorumfs/core";
import { type Operation, checkLinearizable, formatTimeline } from "@quorumfs/workload-generator";
import { Coverage } from "./coverage.js";
import { EventQueue } from "./event-queue.js";
import { Network } from "./network.js";
import type { HistoryPlan, PlannedFault, PlannedOperation } from "./plan.js";
import { SimulatedClient } from "./simulated-client.js";
import { type ClusterRules, SimulatedCluster } from "./simulated-cluster.js";
import type { Trace } from "./simulated-coordinator.js";
import type { Damage } from "./simulated-replica.js";
import { Violation } from "./violation.js";

export interface SimulationOptions extends ClusterRules {
  /** Keeps what every message said. */
  readonly traced?: boolean;
}

export interface HistoryResult {
  /** What went wrong; undefined if nothing did. */
  readonly violation: string | undefined;
  readonly operations: readonly Operation[];
  readonly coverage: Coverage;
  /** Empty unless asked for. */
  readonly trace: readonly string[];
}

/** Plays a plan from start to end and judges what came of it. The same plan always comes to the same end. */
export function runHistory(plan: HistoryPlan, options: SimulationOptions = {}): HistoryResult {
  const simulation = new Simulation(plan, options);
  let violation: string | undefined;
  try {
    simulation.run();
    violation = judge(simulation.operations);
  } catch (error) {
    if (!(error instanceof Violation) && !(error instanceof Error && error.name === AssertionError.name)) throw error;
    violation = error.message;
  }
  return { violation, operations: simulation.operations, coverage: simulation.coverage, trace: simulation.trace };
}

function judge(operations: readonly Operation[]): string | undefined {
  const verdict = checkLinearizable(operations);
  return verdict.ok ? undefined : `not linearizable:\n${formatTimeline(verdict.minimal)}`;
}

// Clients give up by themselves; the longest plan is far from this.
const clientsMs = 60_000;
// Longer than any operation's deadline and any message's way, both of which plans keep below 1 s.
const settlingMs = 3_000;
const clientIndex = 40;
// Rounds that meet no trouble take a fraction of it.
const repairMs = 100;

class Simulation {
  readonly operations: Operation[] = [];
  readonly coverage = new Coverage();
  readonly trace: string[] = [];
  readonly #plan: HistoryPlan;
  readonly #options: SimulationOptions;
  readonly #queue = new EventQueue();
  readonly #network: Network;
  readonly #cluster: SimulatedCluster;
  #healed = false;

  constructor(plan: HistoryPlan, options: SimulationOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#network = new Network(plan, this.#queue, this.coverage);
    this.#cluster = new SimulatedCluster({
      plan,
      rules: options,
      queue: this.#queue,
      network: this.#network,
      coverage: this.coverage,
      trace: this.#trace,
    });
  }

  get #trace(): Trace | undefined {
    if (!this.#options.traced) return undefined;
    return (line) => this.trace.push(`${this.#queue.nowMs.toFixed(2).padStart(8)} ${line()}`);
  }

  run(): void {
    const clients = this.#plan.clients.map((_, index) => this.#client(`c${index + 1}`, clientIndex + index));
    for (const [index, client] of clients.entries()) client.run(this.#plan.clients[index] ?? { operations: [] });
    for (const fault of this.#plan.faults) this.#queue.after(fault.atMs, () => this.#strike(fault));
    const done = () => clients.every((client) => client.isDone);
    this.#runUntil(done, "the clients gave up or were served", clientsMs);
    this.#heal();
    this.#runFor(settlingMs);
    if (!this.#cluster.isIdle) throw new Violation("an operation never ended");
    if (this.#cluster.superNode.isMoving) throw new Violation("a move never ended");
    const holders = this.#cluster.replicas.filter((replica) => replica.holds);
    if (!holders.every((replica) => replica.damage === undefined)) throw new Violation("a record stayed damaged");
    this.#checkServes();
  }

  #client(name: string, index: number): SimulatedClient {
    return new SimulatedClient({
      name,
      index,
      coordinators: this.#cluster.coordinators,
      network: this.#network,
      queue: this.#queue,
      coverage: this.coverage,
      trace: this.#trace,
      record: (operation) => this.operations.push(operation),
    });
  }

  #strike(fault: PlannedFault): void {
    if (this.#healed) return;
    this.#trace?.(() => `FAULT ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case "replica_crash":
        if (!this.#cluster.crashReplica(fault.node)) return;
        this.coverage.count("replica crash");
        this.#queue.after(fault.forMs, () => this.#cluster.restartReplica(fault.node));
        break;
      case "coordinator_crash":
        if (!this.#cluster.crashCoordinator(fault.node)) return;
        this.coverage.count("coordinator crash");
        this.#queue.after(fault.forMs, () => this.#cluster.restartCoordinator(fault.node));
        break;
      case "coordinator_pause":
        this.coverage.count("coordinator pause");
        this.#cluster.coordinators[fault.node]?.pause();
        this.#queue.after(fault.forMs, () => this.#cluster.coordinators[fault.node]?.resume());
        break;
      case "partition":
        this.#network.cut(fault.a, fault.b, fault.forMs);
        break;
      case "corruption":
        this.#corrupt(fault);
        break;
      case "foreign_floor":
        this.#raiseFloor(fault.node, fault.above);
        break;
      case "collection":
        this.#cluster.coordinators[fault.node]?.collect(this.#queue.nowMs + 100);
        break;
      case "move":
        this.#cluster.superNode.move(fault.to.map((index) => nodeId(index + 1)));
        break;
      case "loss":
        if (this.#canLose(fault.node)) this.#cluster.lose(fault.node);
        break;
      case "half_round":
        this.#halfRound(fault);
        break;
      case "super_node_crash":
        this.#cluster.superNode.crash(fault.forMs);
        break;
      case "catch_up":
        this.#cluster.catchUp(fault.node, fault.other);
        break;
    }
  }

  #halfRound({ node, to, above }: Extract<PlannedFault, { kind: "half_round" }>): void {
    const coordinator = this.#cluster.coordinators[node];
    if (!coordinator?.isUp) return;
    this.coverage.count("round that dies half-way");
    const counterHint = Math.max(...this.#cluster.replicas.map(({ promisedCounter }) => promisedCounter)) + above;
    coordinator.halfRound({ to: nodeId(to + 1), counterHint, deadlineMs: this.#queue.nowMs + repairMs });
  }

  #corrupt({ node, damage, forMs }: Extract<PlannedFault, { kind: "corruption" }>): void {
    const replica = this.#cluster.replicas[node];
    if (!replica?.holds || !this.#canBear(damage) || !replica.corrupt(damage)) return;
    this.coverage.count(`corrupt ${damage}`);
    this.#queue.after(forMs, () => this.#repair(node, forMs));
  }

  /**
   * No more than can be repaired: as many records as a promise quorum of the others can do without, and as many copies of a
   * chosen value as leave one. A value that is not chosen may have two copies only; so content is damaged in one place.
   */
  #canBear(damage: Damage): boolean {
    const { replicas, read, write } = this.#plan.quorum;
    if (this.#cluster.hasLost) return false;
    const damages = this.#damages;
    if (damages.length + 1 >= write) return false;
    if (damage === "content" || damages.includes("content")) return damages.length === 0;
    return damages.length < replicas - Math.max(read, Math.floor(replicas / 2) + 1);
  }

  get #damages(): readonly Damage[] {
    return this.#cluster.replicas.flatMap((replica) => (replica.holds ? (replica.damage ?? []) : []));
  }

  /** One node, where the others can do without it. */
  #canLose(node: number): boolean {
    const { replicas, read } = this.#plan.quorum;
    if (this.#cluster.hasLost || this.#damages.length > 0 || node >= this.#plan.nodes) return false;
    return this.#plan.nodes > replicas && replicas > Math.max(read, Math.floor(replicas / 2) + 1);
  }

  /** What a node does about its damaged record, until it is sound. */
  #repair(node: number, restMs: number): void {
    const replica = this.#cluster.replicas[node];
    const coordinator = this.#cluster.coordinators[node];
    if (!replica || !coordinator || replica.damage === undefined) return;
    let isOver = false;
    const again = () => {
      if (isOver) return;
      isOver = true;
      this.#queue.after(restMs + 1, () => this.#repair(node, restMs));
    };
    // A crash leaves a round without an end.
    this.#queue.after(3 * repairMs, again);
    if (!coordinator.isUp || !replica.isUp || !replica.holds) return;
    const round = () => ({ what: "repair", deadlineMs: this.#queue.nowMs + repairMs, orTombstone: true });
    coordinator.settle(round(), (outcome) => {
      if (outcome.kind === "applied" || !replica.abandon()) {
        again();
        return;
      }
      coordinator.settle(round(), () => {
        replica.reconsider();
        again();
      });
    });
  }

  #raiseFloor(node: number, above: number): void {
    const replica = this.#cluster.replicas[node];
    // Nothing is erased while the partition moves.
    if (!replica?.holds || this.#cluster.isMoving(node)) return;
    this.coverage.count("floor raised by another file");
    const highest = Math.max(...this.#cluster.replicas.map(({ promisedCounter }) => promisedCounter));
    replica.raiseFloor(highest + above);
  }

  #heal(): void {
    this.#trace?.(() => "HEAL");
    this.#healed = true;
    this.#network.heal();
    this.#cluster.heal();
  }

  /** What the healed cluster must be able to do: show what it holds, take something new, and show that. */
  #checkServes(): void {
    this.#serve("read", 0, ["found", "absent"]);
    // The first write through a coordinator may meet a promise that it kept from long ago; the next one does not.
    let index = 0;
    while (this.#serve("put", index, ["done", "unknown"]) === "unknown") index += 1;
    this.#serve("read", index, ["found"]);
  }

  #serve(kind: "read" | "put", index: number, allowed: readonly string[]): string | undefined {
    const { coordinators } = this.#plan;
    let at = (index + 1) % coordinators;
    while (this.#cluster.isLost(at)) at = (at + 1) % coordinators;
    const client = this.#client(`final ${kind} ${index}`, clientIndex + 10 + index);
    client.run({ operations: [{ ...healthy, kind, coordinators: [at] }] });
    this.#runUntil(() => client.isDone, `a ${kind} after all was healed`, settlingMs);
    const outcome = this.operations.at(-1)?.outcome.kind;
    if (outcome !== undefined && allowed.includes(outcome) && index <= coordinators) return outcome;
    throw new Violation(`a ${kind} after all was healed: ${outcome}`);
  }

  #runUntil(condition: () => boolean, what: string, withinMs: number): void {
    const untilMs = this.#queue.nowMs + withinMs;
    while (!condition()) if (!this.#queue.step(untilMs)) throw new Violation(`in vain: ${what}`);
  }

  #runFor(forMs: number): void {
    const untilMs = this.#queue.nowMs + forMs;
    while (this.#queue.step(untilMs));
  }
}

const healthy: Omit<PlannedOperation, "kind" | "coordinators"> = {
  condition: "none",
  restMs: 0,
  timeoutMs: 2_000,
  deadlineMs: 2_000,
  tellsSeenVersion: true,
};
