/**
 * Injects faults until time is up. Two kinds of lanes run side by side: one in which data or membership change, one after the
 * other, each undone before the next; and some in which processes, links and disks fail for a moment, which overlap. As a
 * rule so few DataNodes are impaired at a time that every file keeps its quorums; now and then it is more, and then nothing
 * that is durable is touched.
 */
import { type Clock, QuorumError } from "@quorumfs/core";
import type { Party } from "@quorumfs/local-cluster";
import type { Fault, FaultKind, FaultTools } from "./faults/fault.js";
import type { FaultRecord } from "./timeline.js";

export interface DriverOptions {
  readonly kinds: readonly FaultKind[];
  readonly tools: FaultTools;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Resolves when clients are served everywhere; rejects if that takes too long. */
  readonly served: () => Promise<void>;
  readonly onRecord: (record: FaultRecord) => void;
  readonly onInjected: (fault: Fault) => void;
}

const passingLanes = 2;
/** Of faults that would impair too many nodes for a quorum of every file. */
const beyondShare = 0.08;
/**
 * Of faults that wait until there is no other, and keep others away until clients are served again: what clients meet then is of
 * this one alone.
 */
const soloShare = 0.35;
/** Between two faults of a lane. */
const gapMs = { least: 200, most: 1_800 } as const;
const retryMs = 100;
/** A change that takes longer than that is not waited for. */
const stagePatienceMs = 4_000;

interface Active {
  readonly fault: Fault;
  readonly beyond: boolean;
  alone: boolean;
}

export class Driver {
  readonly #options: DriverOptions;
  readonly #active = new Set<Active>();
  readonly #done = new Set<string>();
  /** The lane whose fault is to be the only one. */
  #solo: object | undefined;
  #untilMs = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Resolves when all faults are healed; after `forMs`, or later if some kind has not had its turn by then. */
  async run(forMs: number): Promise<void> {
    const { clock, kinds } = this.#options;
    this.#untilMs = clock.nowMs() + forMs;
    const lanes = { passing: passingLanes, lasting: 1 };
    await Promise.all(
      (["passing", "lasting"] as const).flatMap((lane) => {
        const own = kinds.filter((kind) => kind.lane === lane);
        if (own.length === 0) return [];
        const bag = new Bag(own, this.#options.tools.dice);
        return Array.from({ length: lanes[lane] }, () => this.#runLane(bag));
      }),
    );
  }

  /** Whether the end of a process belongs to a fault that is under way. */
  explains(party: Party): boolean {
    return [...this.#active].some(({ fault }) => fault.mayEnd.includes(party));
  }

  get #isOver(): boolean {
    const { clock, kinds, signal } = this.#options;
    return signal.aborted || (clock.nowMs() >= this.#untilMs && kinds.every(({ name }) => this.#done.has(name)));
  }

  async #runLane(bag: Bag): Promise<void> {
    const { tools, clock } = this.#options;
    const lane = {};
    while (!this.#isOver) {
      const timeIsUp = clock.nowMs() >= this.#untilMs;
      const kind = bag.draw();
      const isWanted = !timeIsUp || !this.#done.has(kind.name);
      if (isWanted && tools.dice.chance(soloShare)) await this.#getStage(lane);
      const planned = isWanted && (this.#solo === undefined || this.#solo === lane) ? this.#plan(kind) : undefined;
      if (!planned) {
        if (!this.#done.has(kind.name)) bag.giveBack(kind);
        this.#leaveStage(lane);
        await this.#pause(retryMs);
        continue;
      }
      await this.#play(kind, planned);
      this.#leaveStage(lane);
      await this.#pause(tools.pace * tools.dice.between(gapMs.least, gapMs.most));
    }
  }

  /** Resolves when no other fault is there, and none begins until this one is through; or soon, if that cannot be had. */
  async #getStage(lane: object): Promise<void> {
    if (this.#solo) return;
    this.#solo = lane;
    const { clock } = this.#options;
    const giveUpAt = clock.nowMs() + stagePatienceMs;
    while (this.#active.size > 0 && clock.nowMs() < giveUpAt && !this.#isOver) await this.#pause(retryMs);
    if (this.#active.size > 0) this.#leaveStage(lane);
  }

  #leaveStage(lane: object): void {
    if (this.#solo === lane) this.#solo = undefined;
  }

  #plan(kind: FaultKind): { readonly fault: Fault; readonly beyond: boolean } | undefined {
    const { tools } = this.#options;
    const { bed, dice, replicas } = tools;
    const active = [...this.#active].map(({ fault }) => fault);
    const impaired = new Set(active.flatMap(({ impairs }) => impairs));
    const busy = new Set(active.flatMap(({ mayEnd }) => mayEnd));
    const sound = bed.dataNodes.filter(
      (party) => !impaired.has(party) && !busy.has(party) && bed.node(party).member.running,
    );
    const tolerated = toleratedOf(replicas);
    const durableTouched = kind.lane === "lasting" || active.some(({ name }) => isDestructive(name));
    const isBeyond = !durableTouched && kind.name !== "disk-full" && dice.chance(beyondShare);
    const most = isBeyond ? 1 + dice.whole(sound.length) : Math.min(1, Math.max(0, tolerated - impaired.size));
    const fault = kind.plan(tools, { sound, most });
    return fault && { fault, beyond: impaired.size + fault.impairs.length > tolerated };
  }

  async #play(kind: FaultKind, { fault, beyond }: { readonly fault: Fault; readonly beyond: boolean }): Promise<void> {
    const { clock, tools, served, onRecord, onInjected } = this.#options;
    const entry: Active = { fault, beyond, alone: this.#active.size === 0 };
    for (const other of this.#active) other.alone = false;
    this.#active.add(entry);
    this.#done.add(kind.name);
    const injectedAt = clock.nowMs();
    let healedAt: number | undefined;
    let servedAt: number | undefined;
    let syncedAt: number | undefined;
    let trouble: string | undefined;
    let isHealing = false;
    try {
      await fault.inject();
      onInjected(fault);
      await this.#pause(fault.holdMs);
      isHealing = true;
      await fault.heal();
      healedAt = clock.nowMs();
      await served();
      servedAt = clock.nowMs();
      if (kind.lane === "lasting") {
        await tools.health.until("every file is on all its replicas again", () => tools.health.inSync());
        syncedAt = clock.nowMs();
      }
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.code !== "cancelled") trouble = error.message;
      // Whatever went wrong, the next fault must not meet this one.
      if (!isHealing) await fault.heal().catch(() => undefined);
    } finally {
      this.#active.delete(entry);
    }
    const { name, what, count = () => 1 } = fault;
    const { alone } = entry;
    onRecord({ name, what, count: count(), injectedAt, healedAt, servedAt, syncedAt, alone, beyond, trouble });
  }

  /** Shorter when the run is stopped. */
  #pause(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.after(ms, done);
      function done(): void {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** A majority quorum bears this many. */
function toleratedOf(replicas: number): number {
  return Math.ceil(replicas / 2) - 1;
}

function isDestructive(name: Fault["name"]): boolean {
  return name === "bit-flip" || name === "lose-disk";
}

/** Kinds in random order, each as often as its weight says; in the first round each once. */
class Bag {
  readonly #kinds: readonly FaultKind[];
  readonly #dice: FaultTools["dice"];
  #left: FaultKind[];
  #owed: FaultKind[] = [];

  constructor(kinds: readonly FaultKind[], dice: FaultTools["dice"]) {
    this.#kinds = kinds;
    this.#dice = dice;
    this.#left = dice.shuffled(kinds);
  }

  draw(): FaultKind {
    const next = this.#left.pop();
    if (next) return next;
    const all = this.#kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
    this.#left = this.#dice.shuffled([...all, ...this.#owed]);
    this.#owed = [];
    return this.draw();
  }

  /** It could not be had now: it comes once more with the next round. */
  giveBack(kind: FaultKind): void {
    this.#owed.push(kind);
  }
}
