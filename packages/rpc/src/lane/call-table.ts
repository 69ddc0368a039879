import { assert, type QuorumError } from "@quorumfs/core";

/** Told once how a call ended: with a response, or with the error that stands in its place. */
export type CallDone<Response> = (error: QuorumError | undefined, response: Response | undefined) => void;

const slotsMin = 64;

/**
 * The calls under way on a lane, by id.
 *
 * A Map would allocate and hash for every call. Here a call's slot is the low bits of its id, and ids count up, taking
 * the next one whose slot is free; so an id comes back only after 2^32 calls, and a reply that is late by hours
 * still finds nothing rather than another call's callback. A vote that is counted for the wrong question would break
 * the register, which is why ids are not simply slot numbers.
 */
export class CallTable<Response> {
  #ids = new Uint32Array(slotsMin);
  #deadlines = new Float64Array(slotsMin);
  #sent = new Uint8Array(slotsMin);
  #done: (CallDone<Response> | undefined)[] = new Array<undefined>(slotsMin).fill(undefined);
  #mask = slotsMin - 1;
  #lastId = 0;
  #size = 0;
  #sentCount = 0;

  get size(): number {
    return this.#size;
  }

  /** How many of the calls were sent and wait for their reply. */
  get sentCount(): number {
    return this.#sentCount;
  }

  /** @returns the new call's id, never 0 */
  add(deadlineMs: number, done: CallDone<Response>): number {
    if (this.#size * 2 >= this.#ids.length) this.#grow();
    let id = this.#lastId;
    do id = (id + 1) >>> 0;
    while (id === 0 || this.#ids[id & this.#mask] !== 0);
    this.#lastId = id;
    this.#put(id, deadlineMs, done, 0);
    this.#size += 1;
    return id;
  }

  has(id: number): boolean {
    return id !== 0 && this.#ids[id & this.#mask] === id;
  }

  isSent(id: number): boolean {
    return this.has(id) && this.#sent[id & this.#mask] === 1;
  }

  markSent(id: number): void {
    assert(this.has(id) && this.#sent[id & this.#mask] === 0, "a lane sent a call that is not waiting to be sent");
    this.#sent[id & this.#mask] = 1;
    this.#sentCount += 1;
  }

  /** Removes a call; undefined if there is none with this id (any more). */
  take(id: number): CallDone<Response> | undefined {
    if (!this.has(id)) return undefined;
    const slot = id & this.#mask;
    const done = this.#done[slot];
    this.#ids[slot] = 0;
    this.#done[slot] = undefined;
    this.#size -= 1;
    if (this.#sent[slot] === 1) this.#sentCount -= 1;
    return done;
  }

  /** Ids of the calls whose deadline has come, and the earliest deadline of the others (Infinity without any). */
  expired(nowMs: number): { readonly ids: readonly number[]; readonly nextMs: number } {
    const ids: number[] = [];
    let nextMs = Infinity;
    for (let slot = 0; slot < this.#ids.length; slot += 1) {
      const id = this.#ids[slot] ?? 0;
      if (id === 0) continue;
      const deadlineMs = this.#deadlines[slot] ?? 0;
      if (deadlineMs <= nowMs) ids.push(id);
      else nextMs = Math.min(nextMs, deadlineMs);
    }
    return { ids, nextMs };
  }

  /** Every call's id, in the order in which they were made (but for one wrap in 2^32). */
  allIds(): readonly number[] {
    return [...this.#ids.filter((id) => id !== 0)].sort((a, b) => a - b);
  }

  #put(id: number, deadlineMs: number, done: CallDone<Response> | undefined, sent: number): void {
    const slot = id & this.#mask;
    assert(this.#ids[slot] === 0, "two calls in one slot of a lane");
    this.#ids[slot] = id;
    this.#deadlines[slot] = deadlineMs;
    this.#done[slot] = done;
    this.#sent[slot] = sent;
  }

  // Ids that differ in their low n bits differ in their low n + 1 bits, so a larger table always has room for each.
  #grow(): void {
    const [ids, deadlines, done, sent] = [this.#ids, this.#deadlines, this.#done, this.#sent];
    const slots = ids.length * 2;
    this.#mask = slots - 1;
    this.#ids = new Uint32Array(slots);
    this.#deadlines = new Float64Array(slots);
    this.#sent = new Uint8Array(slots);
    this.#done = new Array<undefined>(slots).fill(undefined);
    ids.forEach((id, slot) => {
      if (id !== 0) this.#put(id, deadlines[slot] ?? 0, done[slot], sent[slot] ?? 0);
    });
  }
}
