import {
  type Ballot,
  Collection,
  type CollectionOutcome,
  type Condition,
  type Effects,
  type Electorate,
  type Forgotten,
  type HeldState,
  type Intent,
  type Kept,
  Mutation,
  type MutationOutcome,
  type NodeId,
  type PartitionAssignment,
  Reading,
  type ReadingOutcome,
  type Register,
  type RegisterOperation,
  type ReplicaReply,
  type ReplicaRequest,
  type Value,
  answer,
  ceilingFor,
  formatBallot,
  isZeroBallot,
  maxBallot,
  nodeId,
  takeoverOf,
  transferVoters,
  votersOf,
  zeroBallot,
} from "@quorumfs/core";
import { bytesOf, formatReply, formatRequest, formatValue } from "../../src/index.js";

type Outcome = MutationOutcome | ReadingOutcome | CollectionOutcome;

interface Replica {
  register: Register | undefined;
  floor: number;
  committed: Ballot;
  ceiling: number;
  forgotten: Forgotten | undefined;
}

interface Operation {
  readonly name: string;
  readonly coordinator: number;
  readonly life: number;
  readonly layout: number;
  readonly machine: RegisterOperation<Outcome>;
  timer: number | undefined;
}

/** Something on its way; `deliver` prints what became of it. */
interface Message {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly deliver: () => void;
}

interface Coordinator {
  incarnation: number;
  /** Counts crashes: answers to a former life find nobody. */
  life: number;
  kept: Kept | undefined;
}

/** A cluster that does nothing by itself: every message moves when the script says so. */
export class ScriptedCluster {
  readonly #quorum: { readonly read: number; readonly write: number };
  #assignment: PartitionAssignment;
  readonly #replicas = new Map<number, Replica>();
  readonly #coordinators = new Map<number, Coordinator>();
  readonly #operations = new Map<string, Operation>();
  readonly #print: (line: string) => void;
  #messages: Message[] = [];
  #cut = new Set<number>();

  constructor(options: { replicas: number; read: number; write: number; print: (line: string) => void }) {
    const { replicas, read, write } = options;
    const members = Array.from({ length: replicas }, (_, index) => nodeId(index + 1));
    this.#quorum = { read, write };
    this.#assignment = { nodes: members, joining: [], layout: 1 };
    this.#print = options.print;
    for (const node of members) this.#addReplica(node);
  }

  #addReplica(node: NodeId): void {
    const nothing = { register: undefined, floor: 0, committed: zeroBallot, ceiling: 0, forgotten: undefined };
    this.#replicas.set(node, nothing);
  }

  get #voters(): Electorate {
    return votersOf(this.#assignment, this.#quorum);
  }

  /** All nodes follow a newer layout at once. Who joins begins with nothing. */
  publish(nodes: readonly number[], joining: readonly number[]): void {
    const { layout } = this.#assignment;
    this.#assignment = { nodes: nodes.map(nodeId), joining: joining.map(nodeId), layout: layout + 1 };
    for (const node of this.#assignment.joining) if (!nodes.includes(node)) this.#addReplica(node);
    for (const coordinator of this.#coordinators.values()) coordinator.kept = undefined;
  }

  /** What a node does about the file when it takes it over, with answers of these members of the old group. */
  takeOver(options: { name: string; at: number; from: readonly number[] }): void {
    const { name, at } = options;
    const self = nodeId(at);
    const answers = new Map(options.from.map((node) => [nodeId(node), this.#heldBy(node)]));
    const from = { members: this.#assignment.nodes, ...this.#quorum };
    const takeover = takeoverOf({ self, from, answers });
    if (takeover.kind === "chosen") {
      const { ballot, holders } = takeover;
      this.#print(`${name}: ${formatBallot(ballot)} is chosen, held by ${holders.join(",")}`);
      this.#copy(self, ballot, this.#replica(holders[0] ?? 0).register?.value);
    } else {
      this.#print(`${name}: ${takeover.kind}`);
      if (takeover.kind === "unsettled") this.#transfer(name, self);
    }
  }

  #heldBy(node: number): HeldState {
    const { register, committed, forgotten } = this.#replica(node);
    if (forgotten) return { kind: "corrupt" };
    if (!register || isZeroBallot(register.accepted)) return { kind: "none" };
    return { kind: "record", accepted: register.accepted, committed };
  }

  #copy(node: NodeId, ballot: Ballot, value: Value | undefined): void {
    if (!value) throw new Error("who voted for a ballot has its value");
    const request = { kind: "accept", ballot, value } as const;
    this.#print(`${node} -> ${node} ${formatRequest(request)}`);
    this.#print(`${node} <- ${node} ${formatReply(this.#answer(node, request))}`);
  }

  #transfer(name: string, self: NodeId): void {
    const machine = new Mutation({
      voters: transferVoters(this.#voters),
      self: { node: self, incarnation: this.#coordinator(self).incarnation },
      intent: { kind: "identity", transfer: true },
      condition: { kind: "none" },
      requestId: bytesOf(name),
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      counterHint: 0,
      nowMs: 0,
    });
    this.#start({ name, at: self, machine });
  }

  mutate(options: {
    name: string;
    at: number;
    intent: Intent;
    condition: Condition;
    id: string;
    retry: boolean;
    seen: number;
  }): void {
    const coordinator = this.#coordinator(options.at);
    const { kept } = coordinator;
    coordinator.kept = undefined;
    const machine = new Mutation({
      voters: this.#voters,
      self: { node: nodeId(options.at), incarnation: coordinator.incarnation },
      intent: options.intent,
      condition: options.condition,
      requestId: bytesOf(options.id),
      mayHaveRun: options.retry,
      mayBeRepeated: false,
      seenVersion: options.seen,
      counterHint: 0,
      ...(kept && { kept }),
      nowMs: 0,
    });
    this.#start({ ...options, machine });
  }

  read(options: { name: string; at: number; withContent: boolean }): void {
    const self = { node: nodeId(options.at), incarnation: this.#coordinator(options.at).incarnation };
    const { withContent } = options;
    const requestId = bytesOf(options.name);
    const machine = new Reading({ voters: this.#voters, self, withContent, counterHint: 0, requestId, nowMs: 0 });
    this.#start({ ...options, machine });
  }

  collect(options: { name: string; at: number }): void {
    const self = { node: nodeId(options.at), incarnation: this.#coordinator(options.at).incarnation };
    const requestId = bytesOf(options.name);
    const machine = new Collection({ voters: this.#voters, self, requestId, counterHint: 0, nowMs: 0 });
    this.#start({ ...options, machine });
  }

  /** The round in which a node has its own damaged record replaced. */
  repair(options: { name: string; at: number }): void {
    const { forgotten, register } = this.#replica(options.at);
    const machine = new Mutation({
      voters: this.#voters,
      self: { node: nodeId(options.at), incarnation: this.#coordinator(options.at).incarnation },
      intent: { kind: "identity", orTombstone: true },
      condition: { kind: "none" },
      requestId: bytesOf(options.name),
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      counterHint: forgotten?.ceiling ?? register?.promised.counter ?? 0,
      nowMs: 0,
    });
    this.#start({ ...options, machine });
  }

  #start(options: { name: string; at: number; machine: RegisterOperation<Outcome> }): void {
    const { name, at, machine } = options;
    const operation: Operation = {
      name,
      coordinator: at,
      life: this.#coordinator(at).life,
      layout: this.#assignment.layout,
      machine,
      timer: undefined,
    };
    this.#operations.set(name, operation);
    this.#perform(operation, machine.start());
  }

  #perform(operation: Operation, effects: Effects<Outcome>): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          for (const node of effect.to) this.#sendRequest(operation, effect.round, node, effect.request);
          break;
        case "timer":
          operation.timer = effect.timer;
          this.#print(`${operation.name}: waits (${effect.purpose} ${effect.attempt})`);
          break;
        case "done":
          this.#end(operation, effect.outcome);
          break;
      }
    }
  }

  #end(operation: Operation, outcome: Outcome): void {
    this.#operations.delete(operation.name);
    if (outcome.kind === "applied") this.#coordinator(operation.coordinator).kept = outcome.kept;
    this.#print(`${operation.name}: ${formatOutcome(outcome)}`);
  }

  #sendRequest(operation: Operation, round: number, node: NodeId, request: ReplicaRequest): void {
    const from = operation.coordinator;
    const { layout } = operation;
    const text = `${from} -> ${node} ${formatRequest(request)}`;
    this.#send({
      from,
      to: node,
      text,
      deliver: () => {
        this.#print(text);
        const reply = layout < this.#assignment.layout ? this.#stale : this.#answer(node, request);
        if (round !== 0) this.#sendReply(operation, round, node, reply);
      },
    });
  }

  get #stale(): ReplicaReply {
    return { kind: "stale_layout", layout: this.#assignment.layout };
  }

  #sendReply(operation: Operation, round: number, node: NodeId, reply: ReplicaReply): void {
    const to = operation.coordinator;
    const text = `${to} <- ${node} ${formatReply(reply)}`;
    this.#send({
      from: node,
      to,
      text,
      deliver: () => {
        if (operation.life !== this.#coordinator(to).life) {
          this.#print(`${text} (nobody there)`);
          return;
        }
        this.#print(text);
        this.#perform(operation, operation.machine.onReply(round, node, reply));
      },
    });
  }

  #send(message: Message): void {
    if (this.#cut.has(message.to) || this.#cut.has(message.from)) this.#print(`${message.text} (lost)`);
    else this.#messages.push(message);
  }

  #answer(node: NodeId, request: ReplicaRequest): ReplicaReply {
    const replica = this.#replica(node);
    const { reply, store, erase, committed } = answer(replica, request);
    if (store) {
      replica.register = store;
      replica.forgotten = undefined;
      replica.ceiling = Math.max(replica.ceiling, ceilingFor(store.promised.counter));
    }
    if (erase) {
      replica.register = undefined;
      replica.floor = erase.floor;
    }
    replica.committed = maxBallot(replica.committed, committed ?? zeroBallot);
    return reply;
  }

  /** Delivers what is on its way, oldest first, and what that leads to, until nothing moves; or only between two nodes. */
  run(between?: { from: number; to: number }): void {
    for (;;) {
      const index = this.#messages.findIndex((message) => isBetween(message, between));
      const [message] = index < 0 ? [] : this.#messages.splice(index, 1);
      if (!message) return;
      message.deliver();
    }
  }

  drop(between: { from: number; to: number }): void {
    for (const { text } of this.#messages.filter((message) => isBetween(message, between)))
      this.#print(`${text} (lost)`);
    this.#messages = this.#messages.filter((message) => !isBetween(message, between));
  }

  cut(nodes: readonly number[]): void {
    this.#cut = new Set(nodes);
  }

  fire(name: string): void {
    const operation = this.#operation(name);
    const { timer } = operation;
    if (timer === undefined) throw new Error(`${name} waits for nothing`);
    operation.timer = undefined;
    this.#perform(operation, operation.machine.onTimer(timer));
  }

  deadline(name: string): void {
    const operation = this.#operation(name);
    this.#perform(operation, operation.machine.onDeadline());
  }

  /** The process dies and starts again: what was in memory is gone, what was on disk is there. */
  crash(node: number): void {
    const coordinator = this.#coordinator(node);
    coordinator.life += 1;
    coordinator.incarnation += 1;
    coordinator.kept = undefined;
    const replica = this.#replicas.get(node);
    if (replica) replica.committed = zeroBallot;
    for (const [name, operation] of this.#operations) if (operation.coordinator === node) this.#operations.delete(name);
  }

  raiseFloor(node: number, floor: number): void {
    this.#replica(node).floor = floor;
  }

  corrupt(node: number): void {
    const replica = this.#replica(node);
    replica.register = undefined;
    replica.forgotten = { ceiling: replica.ceiling };
  }

  show(): void {
    for (const [node, { register, floor, committed, forgotten }] of this.#replicas) {
      const accepted = register && !isZeroBallot(register.accepted) ? formatBallot(register.accepted) : "nothing";
      const value = register?.value ? ` ${formatValue(register.value)}` : "";
      const promised = register ? `, promised ${formatBallot(register.promised)}` : "";
      const hint = isZeroBallot(committed) ? "" : `, committed ${formatBallot(committed)}`;
      const record = register ? `accepted ${accepted}${value}${promised}` : "no record";
      this.#print(`${node}: ${forgotten ? "damaged" : `${record}${hint}`}${floor > 0 ? `, floor ${floor}` : ""}`);
    }
  }

  #operation(name: string): Operation {
    const operation = this.#operations.get(name);
    if (!operation) throw new Error(`${name} is not running`);
    return operation;
  }

  #replica(node: number): Replica {
    const replica = this.#replicas.get(node);
    if (!replica) throw new Error(`node ${node} has no replica`);
    return replica;
  }

  #coordinator(node: number): Coordinator {
    let coordinator = this.#coordinators.get(node);
    if (!coordinator) {
      coordinator = { incarnation: 1, life: 1, kept: undefined };
      this.#coordinators.set(node, coordinator);
    }
    return coordinator;
  }
}

function isBetween(message: Message, between: { from: number; to: number } | undefined): boolean {
  return !between || (message.from === between.from && message.to === between.to);
}

function formatOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "applied": {
      const kept = outcome.kept ? `, keeps ${formatBallot(outcome.kept.next)}` : "";
      return `applied as version ${outcome.version}, acknowledged by ${outcome.acknowledged.join(",")}${kept}`;
    }
    case "condition_failed":
      return `condition failed${outcome.before ? " before; by now" : ":"} ${formatValue(outcome.current)}`;
    case "found":
      return `found ${formatValue(outcome.value)} on ${outcome.holders.join(",")}`;
    case "quorum_unavailable":
      return `quorum unavailable: needed ${outcome.needed}, got ${outcome.got}`;
    case "unknown":
      return `unknown: ${outcome.reason}`;
    case "postponed":
      return `postponed: ${outcome.reason}`;
    case "erasing":
      return `erasing ${formatBallot(outcome.ballot)}`;
    case "stale_layout":
      return `stale layout ${outcome.layout}`;
    case "unproven":
      return `unproven: too much since; it is version ${outcome.version} by now`;
    case "not_found":
    case "contended":
    case "nothing_to_collect":
      return outcome.kind.replaceAll("_", " ");
  }
}
