import { QuorumError } from "@quorumfs/core";

// A caller that starts so many at once is better off awaiting some of them; each costs memory while it waits.
export const waitingMax = 65_536;

/** What waits before all gates of one client together. */
export class WaitingRoom {
  #count = 0;

  /** @throws QuorumError `resource_exhausted` */
  enter(): void {
    if (this.#count >= waitingMax) {
      throw new QuorumError({
        code: "resource_exhausted",
        message: `${waitingMax} operations of this client wait already; await some before you start more`,
        details: { mayHaveRun: false },
      });
    }
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
  }
}

/** Begins an operation. @returns whether it really began: one that was given up while it waited does not */
export type Begin = () => boolean;

// Two find out sooner than one that the overload is over.
const placesMin = 2;
// Less by this share when the cluster refuses, but not for each of those that it refuses together.
const cut = 0.7;
const cutEveryMs = 50;
// More by one, and by this share, each time that as many as there are places were answered.
const growth = 0.02;

/**
 * Lets so many operations be under way at once; the others wait their turn in order. How many may follow what the other side
 * takes, as TCP's window does: fewer when it refuses, slowly more when it does not.
 */
export class Gate {
  readonly #placesMax: number;
  #places: number;
  #cutAtMs = -Infinity;
  readonly #room: WaitingRoom;
  #taken = 0;
  #waiting: Begin[] = [];
  #head = 0;
  #admitting = false;
  #holds = 0;

  constructor(places: number, room: WaitingRoom) {
    this.#placesMax = places;
    this.#places = places;
    this.#room = room;
  }

  /** Operations that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** The other side is at its limit. */
  narrow(nowMs: number): void {
    if (nowMs - this.#cutAtMs < cutEveryMs) return;
    this.#cutAtMs = nowMs;
    this.#places = Math.max(Math.min(placesMin, this.#placesMax), Math.min(this.#places, this.#taken) * cut);
  }

  /** The other side has done what it was asked. */
  widen(): void {
    if (this.#places < this.#placesMax)
      this.#places = Math.min(this.#placesMax, this.#places + 1 / this.#places + growth);
  }

  /** Nobody is under way; unless the gate is held, nobody waits then either. */
  get idle(): boolean {
    return this.#taken === 0;
  }

  /** How many are under way. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Begins now or when its turn has come; what has begun calls {@link leave} once.
   *
   * @returns whether it was now
   * @throws QuorumError `resource_exhausted` if too many wait
   */
  enter(begin: Begin): boolean {
    if (this.#open) {
      this.#taken += 1;
      if (!begin()) this.leave();
      return true;
    }
    this.#room.enter();
    this.#waiting.push(begin);
    return false;
  }

  leave(): void {
    this.#taken -= 1;
    this.#admit();
  }

  /** Lets nobody in until as many {@link release} follow. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    this.#admit();
  }

  get #open(): boolean {
    return this.#taken < this.#places && this.#holds === 0;
  }

  #admit(): void {
    // What is admitted may end at once and get here again; the loop below goes on with the next, rather than the stack.
    if (this.#admitting) return;
    this.#admitting = true;
    while (this.#open) {
      const next = this.#next();
      if (!next) break;
      this.#taken += 1;
      if (!next()) this.#taken -= 1;
    }
    this.#admitting = false;
  }

  #next(): Begin | undefined {
    const next = this.#waiting[this.#head];
    if (!next) return undefined;
    this.#room.leave();
    this.#head += 1;
    if (this.#head === this.#waiting.length || this.#head >= 1024) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return next;
  }
}
