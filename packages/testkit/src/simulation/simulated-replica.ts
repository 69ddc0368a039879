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
  /** The ceiling is raised with every promise, in the same write; otherwise with votes only. */
  readonly ceilingCoversPromises: boolean;
}

export const replicaRules: ReplicaRules = {
  replyAfterSync: true,
  abstainWhenCorrupt: true,
  ceilingCoversPromises: true,
};

/** What is on its disk; a crash leaves nothing else. */
interface Stored {
  readonly register: Register | undefined;
  readonly floor: number;
  /** Exact, so that nothing which depends on it has a margin. */
  readonly ceiling: number;
  readonly damage: Damage | undefined;
}

/** `record`: nothing of it can be read, and `register` is gone. `content`: all but the content can. */
export type Damage = "record" | "content";

const empty: Stored = { register: undefined, floor: 0, ceiling: 0, damage: undefined };

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
  /** Its record can be read and is not counted on. */
  #abandoned = false;
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

  receive(request: ReplicaRequest, reply: (reply: ReplicaReply) => void): void {
    if (!this.#up) return;
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
    const { queue, rules } = this.#options;
    if (step.store) this.#store(step.store);
    if (step.erase) this.#sync({ ...this.#state, register: undefined, floor: step.erase.floor, damage: undefined });
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

  #store(register: Register): void {
    const { floor, ceiling, damage, register: before } = this.#state;
    const { rules } = this.#options;
    const highest = rules.ceilingCoversPromises ? register.promised : register.accepted;
    // A new value takes the damaged one's place; a promise leaves it as it is.
    const isReplaced = this.#isForgetful || register.value !== before?.value;
    this.#abandoned = false;
    this.#sync({
      register,
      floor,
      ceiling: Math.max(ceiling, highest.counter),
      damage: isReplaced ? undefined : damage,
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
    this.#abandoned = false;
    this.#state = this.#durable;
  }

  restart(): void {
    this.#up = true;
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
}
