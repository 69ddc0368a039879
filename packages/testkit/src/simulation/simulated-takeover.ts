import {
  type Ballot,
  type HeldState,
  type NodeId,
  type PartitionAssignment,
  type QuorumSettings,
  type ReplicaReply,
  type Value,
  type VoterGroup,
  compareBallots,
  hasContent,
  sameBallot,
} from "@quorumfs/core";
import type { Coverage } from "./coverage.js";
import type { EventQueue } from "./event-queue.js";
import type { FollowedLayout } from "./followed-layout.js";
import type { Network } from "./network.js";
import type { Protocol } from "./protocol.js";
import type { SimulatedCoordinator, Trace } from "./simulated-coordinator.js";
import type { SimulatedReplica, Told } from "./simulated-replica.js";

/** The rules by which a node takes the file over, or catches up. A mutation test takes one out. */
export interface TakeoverRules {
  /** A node that was in the old group takes over as well. */
  readonly staysAndTakesOver: boolean;
  /** A node that was in the old group counts its own record among the answers. */
  readonly countsItsOwn: boolean;
  readonly carriesFloor: boolean;
  /** Votes that were lost are replayed only while the partition does not move. */
  readonly catchesUpWhenStill: boolean;
}

export const takeoverRules: TakeoverRules = {
  staysAndTakesOver: true,
  countsItsOwn: true,
  carriesFloor: true,
  catchesUpWhenStill: true,
};

export interface SimulatedTakeoverOptions {
  readonly protocol: Protocol;
  readonly rules: TakeoverRules;
  readonly quorum: QuorumSettings;
  readonly coordinator: SimulatedCoordinator;
  readonly replica: SimulatedReplica;
  readonly followed: FollowedLayout;
  readonly replicas: readonly SimulatedReplica[];
  readonly network: Network;
  readonly queue: EventQueue;
  readonly coverage: Coverage;
  readonly trace: Trace | undefined;
}

// Stragglers of the old group are waited for so long.
const patienceMs = 15;
// Between two attempts.
const pauseMs = 10;
const roundMs = 100;

/** What one node does besides answering: takes the file over when it joins, and catches up with what it has missed. */
export class SimulatedTakeover {
  readonly #options: SimulatedTakeoverOptions;
  /** Counts attempts, so that nothing of an earlier one happens in the next. */
  #attempt = 0;
  #synced: number | undefined;

  constructor(options: SimulatedTakeoverOptions) {
    this.#options = options;
    options.followed.onFollowed(() => this.begin());
  }

  /** Number of the joint layout in which this node holds everything; forgotten when it crashes. */
  get synced(): number | undefined {
    return this.#synced;
  }

  forget(): void {
    this.#attempt += 1;
    this.#synced = undefined;
  }

  /** Begins to take over, or begins anew, if this node is joining. */
  begin(): void {
    const { followed, replica, rules } = this.#options;
    const { view } = followed;
    const { joining, nodes, layout } = view;
    this.#attempt += 1;
    if (!joining.includes(replica.node) || this.#synced === layout) return;
    if (nodes.includes(replica.node) && !rules.staysAndTakesOver) this.#synced = layout;
    else this.#ask(view, this.#attempt);
  }

  #ask(view: PartitionAssignment, attempt: number): void {
    const { coordinator, replica, queue } = this.#options;
    if (attempt !== this.#attempt) return;
    if (!coordinator.isUp || !replica.isUp || !replica.holds) {
      this.#again(view, attempt);
      return;
    }
    const answers = new Map<NodeId, Told>();
    let decided = false;
    const decide = () => {
      if (decided || attempt !== this.#attempt) return;
      decided = true;
      this.#decide(view, attempt, answers);
    };
    for (const node of view.nodes) {
      this.#tell(node, view.layout, (told) => {
        answers.set(node, told);
        if (answers.size === view.nodes.length) decide();
      });
    }
    queue.after(patienceMs, decide);
  }

  #again(view: PartitionAssignment, attempt: number): void {
    this.#options.queue.after(pauseMs, () => this.#ask(view, attempt));
  }

  #decide(view: PartitionAssignment, attempt: number, answers: ReadonlyMap<NodeId, Told>): void {
    const { protocol, rules, replica, quorum, coverage, trace } = this.#options;
    const self = replica.node;
    const isOld = view.nodes.includes(self);
    if (isOld && !answers.has(self)) {
      this.#again(view, attempt);
      return;
    }
    const held = new Map<NodeId, HeldState>();
    for (const [node, told] of answers) held.set(node, told.held);
    if (isOld && !rules.countsItsOwn) held.set(self, { kind: "none" });
    const from: VoterGroup = { members: view.nodes, read: quorum.read, write: quorum.write };
    const takeover = protocol.takeoverOf({ self, from, answers: held });
    const floor = Math.max(0, ...[...answers.values()].map((told) => told.floor));
    trace?.(() => `node ${self} takes over L${view.layout}: ${JSON.stringify(takeover)}`);
    coverage.count(`takeover: ${takeover.kind}`);
    const done = () => this.#finish(view, attempt, floor);
    switch (takeover.kind) {
      case "short":
        this.#again(view, attempt);
        break;
      case "nothing":
        done();
        break;
      case "unsettled":
        this.#transfer(view, attempt, done);
        break;
      case "chosen":
        if (compareBallots(replica.accepted, takeover.ballot) >= 0) done();
        else this.#copy(view, attempt, { ...takeover, done });
        break;
    }
  }

  /** A value that is known to be chosen, from one who holds it. */
  #copy(
    view: PartitionAssignment,
    attempt: number,
    what: { readonly ballot: Ballot; readonly holders: readonly NodeId[]; readonly done: () => void },
  ): void {
    const { replica, coverage } = this.#options;
    const { ballot, holders, done } = what;
    const transfer = () => this.#transfer(view, attempt, done);
    this.#fetch(view, { holders, ballot, inVain: () => this.#again(view, attempt) }, (value) => {
      if (attempt !== this.#attempt) return;
      if (!value) {
        transfer();
        return;
      }
      replica.receive(view.layout, { kind: "accept", ballot, value }, (reply) => {
        if (attempt !== this.#attempt) return;
        coverage.count(`takeover: copy ${reply.kind}`);
        if (reply.kind === "ok") done();
        else transfer();
      });
    });
  }

  #transfer(view: PartitionAssignment, attempt: number, done: () => void): void {
    const { coordinator, queue } = this.#options;
    if (attempt !== this.#attempt) return;
    let over = false;
    const end = (isDone: boolean) => {
      if (over || attempt !== this.#attempt) return;
      over = true;
      if (isDone) done();
      else this.#again(view, attempt);
    };
    coordinator.transfer(view.layout, queue.nowMs + roundMs, (outcome) => {
      end(outcome.kind === "applied" || outcome.kind === "condition_failed");
    });
    // A crash leaves a round without an end.
    queue.after(2 * roundMs, () => end(false));
  }

  #finish(view: PartitionAssignment, attempt: number, floor: number): void {
    const { replica, rules } = this.#options;
    if (rules.carriesFloor) replica.raiseFloor(floor);
    replica.settled(() => {
      if (attempt === this.#attempt) this.#synced = view.layout;
    });
  }

  /** Asks another replica what it holds; the one that holds more is followed, by its votes as they were. */
  catchUp(other: NodeId): void {
    const { followed, replica, rules, coordinator, queue, coverage } = this.#options;
    const { view } = followed;
    const isVoter = (node: NodeId) => view.nodes.includes(node) || view.joining.includes(node);
    if (!coordinator.isUp || !replica.isUp || !replica.holds || !isVoter(other) || other === replica.node) return;
    if (view.joining.length > 0 && rules.catchesUpWhenStill) return;
    this.#tell(other, view.layout, ({ held }) => {
      if (held.kind !== "record" || compareBallots(held.accepted, replica.accepted) <= 0) return;
      const { accepted: ballot } = held;
      this.#fetch(view, { holders: [other], ballot, inVain: () => undefined }, (value) => {
        if (!value || !replica.isUp) return;
        replica.receive(view.layout, { kind: "accept", ballot, value }, (reply) => {
          coverage.count(`catch-up: vote replayed: ${reply.kind.replaceAll("_", " ")}`);
          if (reply.kind === "nack")
            coordinator.settle({ what: "catch-up", deadlineMs: queue.nowMs + roundMs }, () => undefined);
        });
      });
    });
  }

  #tell(node: NodeId, layout: number, then: (told: Told) => void): void {
    this.#question<Told | undefined>(
      node,
      (replica, reply) => replica.tell(layout, reply),
      (told) => {
        if (told) then(told);
      },
    );
  }

  /** The value that a node has at this ballot; undefined if all who had it have another one by now. */
  #fetch(
    view: PartitionAssignment,
    from: { readonly holders: readonly NodeId[]; readonly ballot: Ballot; readonly inVain: () => void },
    then: (value: Value | undefined) => void,
  ): void {
    const { holders, ballot, inVain } = from;
    const [holder, ...others] = holders;
    if (holder === undefined) {
      then(undefined);
      return;
    }
    let over = false;
    const next = () => {
      if (over) return;
      over = true;
      if (others.length === 0) inVain();
      else this.#fetch(view, { ...from, holders: others }, then);
    };
    const ask = (replica: SimulatedReplica, reply: (reply: ReplicaReply) => void) =>
      replica.receive(view.layout, { kind: "read", withContent: true }, reply);
    this.#question<ReplicaReply>(holder, ask, (reply) => {
      if (over) return;
      if (reply.kind !== "state") {
        next();
        return;
      }
      over = true;
      const { value, accepted } = reply;
      if (value && hasContent(value) && sameBallot(accepted, ballot)) then(value);
      else this.#fetch(view, { ...from, holders: others }, then);
    });
    this.#options.queue.after(4 * patienceMs, next);
  }

  /** Asks another node, or this one, over the network; what is lost is never answered. */
  #question<Reply>(
    node: NodeId,
    ask: (replica: SimulatedReplica, reply: (reply: Reply) => void) => void,
    then: (reply: Reply) => void,
  ): void {
    const { network, replicas, coordinator } = this.#options;
    const replica = replicas[node - 1];
    const [here, there] = [coordinator.index, node - 1];
    if (!replica) return;
    let answered = false;
    const lost = () => undefined;
    const deliver = () => {
      ask(replica, (reply) => {
        network.send({
          from: there,
          to: here,
          lost,
          deliver: () => {
            if (answered || !coordinator.isUp) return;
            answered = true;
            then(reply);
          },
        });
      });
    };
    network.send({ from: here, to: there, lost, deliver });
  }
}
