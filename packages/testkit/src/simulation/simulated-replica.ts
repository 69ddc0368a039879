import {
  type Ballot,
  type NodeId,
  type Register,
  type ReplicaReply,
  type ReplicaRequest,
  type ReplicaStep,
  type ReplicaView,
  type answer,
  zeroBallot,
} from "@quorumfs/core";
import type { EventQueue } from "./event-queue.js";
import type { Prng } from "./prng.js";
import type { VoteLedger } from "./vote-ledger.js";

/** The rules of the shell around `answer`. A mutation test takes one out. */
export interface ReplicaRules {
  readonly replyAfterSync: boolean;
  readonly abstainWhenCorrupt: boolean;
}

export const replicaRules: ReplicaRules = { replyAfterSync: true, abstainWhenCorrupt: true };

/** What is on its disk; a crash leaves nothing else. */
interface Stored {
  readonly register: Register | undefined;
  readonly floor: number;
}

const empty: Stored = { register: undefined, floor: 0 };

export interface SimulatedReplicaOptions {
  readonly node: NodeId;
  readonly answer: typeof answer;
  readonly rules: ReplicaRules;
  readonly queue: EventQueue;
  readonly prng: Prng;
  readonly syncMs: number;
  readonly ledger: VoteLedger;
}

/** A replica of the one file, on a disk that takes its time: what was not synced when it crashes is gone, or is not. */
export class SimulatedReplica {
  readonly node: NodeId;
  readonly #options: SimulatedReplicaOptions;
  /** With what is being written. */
  #state: Stored = empty;
  #durable: Stored = empty;
  /** Under way to the disk, oldest first. */
  #syncing: Stored[] = [];
  #syncedAtMs = 0;
  #committed: Ballot = zeroBallot;
  #corrupt = false;
  #up = true;
  /** Counts crashes, so that nothing of a former life happens in the next. */
  #life = 0;

  constructor(options: SimulatedReplicaOptions) {
    this.#options = options;
    this.node = options.node;
  }

  get isUp(): boolean {
    return this.#up;
  }

  get promisedCounter(): number {
    return this.#state.register?.promised.counter ?? this.#state.floor;
  }

  receive(request: ReplicaRequest, reply: (reply: ReplicaReply) => void): void {
    if (!this.#up) return;
    if (this.#corrupt && this.#options.rules.abstainWhenCorrupt) {
      reply({ kind: "corrupt" });
      return;
    }
    const view: ReplicaView = {
      register: this.#corrupt ? undefined : this.#state.register,
      floor: this.#state.floor,
      committed: this.#committed,
    };
    this.#perform(this.#options.answer(view, request), reply);
  }

  #perform(step: ReplicaStep, reply: (reply: ReplicaReply) => void): void {
    if (step.committed) this.#committed = step.committed;
    const { queue, rules } = this.#options;
    if (step.store) this.#sync({ register: step.store, floor: this.#state.floor });
    if (step.erase) this.#sync({ register: undefined, floor: step.erase.floor });
    // Nothing that a crash could take back is ever shown, be it written by this request or by one before it.
    if (!rules.replyAfterSync || this.#syncedAtMs <= queue.nowMs) {
      reply(step.reply);
      return;
    }
    const life = this.#life;
    queue.after(this.#syncedAtMs - queue.nowMs, () => {
      if (life === this.#life) reply(step.reply);
    });
  }

  #sync(state: Stored): void {
    const { queue, prng, syncMs } = this.#options;
    this.#state = state;
    // A new record takes the damaged one's place.
    this.#corrupt = false;
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
    this.#durable = state;
    const { register } = state;
    if (register?.value) this.#options.ledger.onVote(this.node, register.accepted, register.value);
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
    this.#state = this.#durable;
  }

  restart(): void {
    this.#up = true;
  }

  corrupt(): boolean {
    if (!this.#state.register || this.#corrupt || !this.#up) return false;
    this.#corrupt = true;
    return true;
  }

  raiseFloor(floor: number): void {
    if (!this.#up || floor <= this.#state.floor) return;
    this.#sync({ register: this.#state.register, floor });
  }
}
