import {
  type Ballot,
  type HeldState,
  type NodeId,
  type Register,
  type ReplicaReply,
  type ReplicaRequest,
  type ReplicaStep,
  type ReplicaView,
  type answer,
  isZeroBallot,
  sameBallot,
  zeroBallot,
} from "@quorumfs/core";
import type { Coverage } from "./coverage.js";
import type { EventQueue } from "./event-queue.js";
import type { FollowedLayout } from "./followed-layout.js";
import type { Prng } from "./prng.js";
import type { VoteLedger } from "./vote-ledger.js";

/** The rules of the shell around `answer`. A mutation test takes one out. */
export interface ReplicaRules {
  readonly replyAfterSync: boolean;
  readonly abstainWhenCorrupt: boolean;
  /** The ceiling is raised with every promise, in the same write; otherwise with votes only. */
  readonly ceilingCoversPromises: boolean;
  /** Votes of an older layout are refused. */
  readonly refusesOlderLayouts: boolean;
  /** Votes of a newer layout wait until the replica follows it. */
  readonly waitsForNewerLayouts: boolean;
  /** What is handed over is told by who follows the joint layout, and so takes no vote of the one before. */
  readonly tellsWhenFenced: boolean;
  /** Who joins anew begins with nothing. */
  readonly joinsWithNothing: boolean;
}

export const replicaRules: ReplicaRules = {
  replyAfterSync: true,
  abstainWhenCorrupt: true,
  ceilingCoversPromises: true,
  refusesOlderLayouts: true,
  waitsForNewerLayouts: true,
  tellsWhenFenced: true,
  joinsWithNothing: true,
};

/** What a replica tells a node that takes the file over, or that compares it with its own. */
export interface Told {
  readonly held: HeldState;
  readonly floor: number;
}

/** What is on its disk; a crash leaves nothing else. */
interface Stored {
  readonly register: Register | undefined;
  readonly floor: number;
  /** Exact, so that nothing which depends on it has a margin. */
  readonly ceiling: number;
  readonly damage: Damage | undefined;
  /** Number of the joint layout for which it began to hold the file; 0: of the first one. Undefined: it does not. */
  readonly heldSince: number | undefined;
  /** Under which layout the value was voted for. */
  readonly votedIn: number;
}

/** `record`: nothing of it can be read, and `register` is gone. `content`: all but the content can. */
export type Damage = "record" | "content";

const empty: Stored = {
  register: undefined,
  floor: 0,
  ceiling: 0,
  damage: undefined,
  heldSince: undefined,
  votedIn: 0,
};

// A vote of a newer layout waits so long at most.
const layoutWaitMs = 60;

export interface SimulatedReplicaOptions {
  readonly node: NodeId;
  readonly answer: typeof answer;
  readonly rules: ReplicaRules;
  readonly queue: EventQueue;
  readonly prng: Prng;
  readonly syncMs: number;
  readonly ledger: VoteLedger;
  readonly followed: FollowedLayout;
  readonly coverage: Coverage;
}

/** A replica of the one file, on a disk that takes its time: what was not synced when it crashes is gone, or is not. */
export class SimulatedReplica {
  readonly node: NodeId;
  readonly #options: SimulatedReplicaOptions;
  /** With what is being written. */
  #state: Stored;
  #durable: Stored;
  /** Under way to the disk, oldest first. */
  #syncing: Stored[] = [];
  #syncedAtMs = 0;
  #committed: Ballot = zeroBallot;
  /** Its record can be read and is not counted on. */
  #abandoned = false;
  #up = true;
  /** Counts crashes, so that nothing of a former life happens in the next. */
  #life = 0;

  constructor(options: SimulatedReplicaOptions) {
    this.#options = options;
    this.node = options.node;
    const isMember = options.followed.view.nodes.includes(options.node);
    this.#state = { ...empty, heldSince: isMember ? 0 : undefined };
    this.#durable = this.#state;
    options.followed.onFollowed(() => this.#followLayout());
  }

  /** Whether it votes: it belongs to one of the groups, and has begun to hold the file for it. */
  get holds(): boolean {
    const { nodes, joining, layout } = this.#options.followed.view;
    if (nodes.includes(this.node)) return this.#durable.heldSince !== undefined;
    return joining.includes(this.node) && this.#durable.heldSince === layout;
  }

  /** Highest ballot that it has voted for, to its own knowledge. */
  get accepted(): Ballot {
    return this.#isForgetful ? zeroBallot : (this.#state.register?.accepted ?? zeroBallot);
  }

  #followLayout(): void {
    const { nodes, joining, layout } = this.#options.followed.view;
    const { heldSince } = this.#state;
    if (nodes.includes(this.node)) return;
    if (joining.includes(this.node)) {
      if (heldSince !== layout) this.#begin(layout);
    } else if (heldSince !== undefined && this.#options.prng.chance(0.3)) this.#begin(undefined);
  }

  /** Begins to hold the file, or drops it. */
  #begin(heldSince: number | undefined): void {
    const { rules, coverage } = this.#options;
    coverage.count(heldSince === undefined ? "replica dropped what it had left" : "replica joined");
    this.#committed = zeroBallot;
    this.#abandoned = false;
    const rest = rules.joinsWithNothing ? { ...empty, ceiling: this.#state.ceiling } : this.#state;
    this.#sync({ ...rest, heldSince });
  }

  get isUp(): boolean {
    return this.#up;
  }

  get promisedCounter(): number {
    const { register, floor, ceiling } = this.#state;
    if (this.#isForgetful) return ceiling;
    return register?.promised.counter ?? floor;
  }

  /** Of what will be left if it crashes now, too. */
  get damage(): Damage | undefined {
    return this.#durable.damage ?? this.#state.damage;
  }

  get #isForgetful(): boolean {
    return this.#state.damage === "record" || this.#abandoned;
  }

  /** Answers a vote of some layout, under that layout or not at all. */
  receive(layout: number, request: ReplicaRequest, reply: (reply: ReplicaReply) => void): void {
    if (!this.#up) return;
    const { followed, rules } = this.#options;
    if (layout > followed.view.layout && rules.waitsForNewerLayouts && request.kind !== "commit") {
      this.#awaitLayout(
        layout,
        () => this.receive(layout, request, reply),
        () => reply(unavailable),
      );
    } else if (layout < followed.view.layout && rules.refusesOlderLayouts) {
      reply({ kind: "stale_layout", layout: followed.view.layout });
    } else if (!this.holds) reply(unavailable);
    else this.#vote(request, reply);
  }

  #awaitLayout(layout: number, then: () => void, inVain: () => void): void {
    this.#options.coverage.count("question of a newer layout");
    this.#options.followed.await(layout, layoutWaitMs, then, inVain);
  }

  /** Tells what it holds to a node that asks under some layout; undefined: it may not. */
  tell(layout: number, reply: (told: Told | undefined) => void): void {
    if (!this.#up) return;
    const { followed, rules } = this.#options;
    if (layout > followed.view.layout && rules.tellsWhenFenced) {
      this.#awaitLayout(
        layout,
        () => this.tell(layout, reply),
        () => reply(undefined),
      );
    } else if ((layout < followed.view.layout && rules.tellsWhenFenced) || !this.holds) reply(undefined);
    else this.#whenSynced(() => reply({ held: this.#held, floor: this.#state.floor }));
  }

  get #held(): HeldState {
    const { register } = this.#state;
    if (this.#isForgetful) return { kind: "corrupt" };
    if (!register || isZeroBallot(register.accepted)) return { kind: "none" };
    return { kind: "record", accepted: register.accepted, committed: this.#committed };
  }

  #vote(request: ReplicaRequest, reply: (reply: ReplicaReply) => void): void {
    const { register, floor, ceiling, damage } = this.#state;
    if (request.kind === "read" && request.withContent && damage === "content" && register?.value?.kind === "live") {
      reply({ kind: "corrupt" });
      return;
    }
    const { abstainWhenCorrupt } = this.#options.rules;
    const view: ReplicaView = {
      register: this.#isForgetful ? undefined : register,
      forgotten: this.#isForgetful && abstainWhenCorrupt ? { ceiling } : undefined,
      floor,
      committed: this.#committed,
    };
    this.#perform(this.#options.answer(view, request), reply);
  }

  #perform(step: ReplicaStep, reply: (reply: ReplicaReply) => void): void {
    if (step.committed) this.#committed = step.committed;
    if (step.store) this.#store(step.store);
    if (step.erase) this.#sync({ ...this.#state, register: undefined, floor: step.erase.floor, damage: undefined });
    if (this.#options.rules.replyAfterSync) this.#whenSynced(() => reply(step.reply));
    else reply(step.reply);
  }

  /** Nothing that a crash could take back is ever shown, be it written by this request or by one before it. */
  #whenSynced(show: () => void): void {
    const { queue } = this.#options;
    if (this.#syncedAtMs <= queue.nowMs) {
      show();
      return;
    }
    const life = this.#life;
    queue.after(this.#syncedAtMs - queue.nowMs, () => {
      if (life === this.#life) show();
    });
  }

  #store(register: Register): void {
    const { floor, ceiling, damage, register: before, heldSince, votedIn } = this.#state;
    const { rules, followed } = this.#options;
    const isNewVote = !before || !sameBallot(before.accepted, register.accepted);
    const highest = rules.ceilingCoversPromises ? register.promised : register.accepted;
    // A new value takes the damaged one's place; a promise leaves it as it is.
    const isReplaced = this.#isForgetful || register.value !== before?.value;
    this.#abandoned = false;
    this.#sync({
      register,
      floor,
      ceiling: Math.max(ceiling, highest.counter),
      damage: isReplaced ? undefined : damage,
      heldSince,
      votedIn: isNewVote ? followed.view.layout : votedIn,
    });
  }

  #sync(state: Stored): void {
    const { queue, prng, syncMs } = this.#options;
    this.#state = state;
    this.#syncing.push(state);
    this.#syncedAtMs = Math.max(this.#syncedAtMs, queue.nowMs) + syncMs * prng.fraction();
    const life = this.#life;
    queue.after(this.#syncedAtMs - queue.nowMs, () => {
      if (life !== this.#life) return;
      this.#syncing.shift();
      this.#persist(state);
    });
  }

  #persist(state: Stored): void {
    const { ledger, followed, rules } = this.#options;
    const { register, votedIn, heldSince } = state;
    if (heldSince !== this.#durable.heldSince && rules.joinsWithNothing) {
      ledger.onDropped(this.node, heldSince ?? followed.view.layout);
    }
    this.#durable = state;
    if (register?.value) {
      ledger.onVote({ node: this.node, ballot: register.accepted, value: register.value, layout: votedIn });
    }
  }

  crash(): void {
    // What the disk was about to write, it may have written.
    const written = this.#options.prng.below(this.#syncing.length + 1);
    for (const state of this.#syncing.slice(0, written)) this.#persist(state);
    this.#life += 1;
    this.#up = false;
    this.#syncing = [];
    this.#syncedAtMs = 0;
    this.#committed = zeroBallot;
    this.#abandoned = false;
    this.#state = this.#durable;
    this.#options.followed.crash();
  }

  restart(): void {
    if (this.#up) return;
    this.#up = true;
    this.#followLayout();
  }

  /** A bit flips on its disk. @returns false, and does nothing, if that has nothing to strike, or writes are under way */
  corrupt(damage: Damage): boolean {
    const { register } = this.#state;
    if (!register || this.damage || this.#syncing.length > 0) return false;
    if (damage === "content" && register.value?.kind !== "live") return false;
    this.#state = { ...this.#state, register: damage === "record" ? undefined : register, damage };
    this.#durable = this.#state;
    return true;
  }

  /** Takes a record that has lost its content for lost. @returns false if it has not, or is not there to do so */
  abandon(): boolean {
    if (!this.#up || this.#abandoned || this.#state.damage !== "content") return false;
    this.#abandoned = true;
    return true;
  }

  /** Takes an abandoned record for what it is. */
  reconsider(): void {
    this.#abandoned = false;
  }

  raiseFloor(floor: number): void {
    if (!this.#up || floor <= this.#state.floor) return;
    // Another file's promise was as high.
    const ceiling = Math.max(this.#state.ceiling, floor);
    this.#sync({ ...this.#state, floor, ceiling });
  }

  /** Calls `then` once all that it has got so far is on its disk, unless it crashes before. */
  settled(then: () => void): void {
    if (this.#up) this.#whenSynced(then);
  }
}

const unavailable: ReplicaReply = { kind: "refused", code: "unavailable", reason: "does not hold the file" };
