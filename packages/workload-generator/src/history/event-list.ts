import { assert } from "@quorumfs/core";
import type { Piece } from "./puzzle.js";

/**
 * Starts and ends of the pieces that have no place in the order yet, by time; at one time starts come first. A piece can
 * be next in the order only if it stands before the first end: otherwise something that ended before it began would be
 * left behind. Pieces leave and come back in constant time, in reverse order (Knuth's dancing links; as in Wing and Gong's
 * and Lowe's searches).
 */
export class EventList {
  /** Node 0 is the head, and its own successor when the list is empty. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #pieceOf: Int32Array;
  readonly #isEnd: Uint8Array;
  readonly #startOf: Int32Array;
  /** 0 if the piece has no end. */
  readonly #endOf: Int32Array;
  readonly #times: Float64Array;

  /** @param pieces in order of start */
  constructor(pieces: readonly Piece[]) {
    const events = pieces.flatMap((piece, index) => {
      const start = { time: piece.startedAt, end: 0, index };
      return piece.endedAt === Infinity ? [start] : [start, { time: piece.endedAt, end: 1, index }];
    });
    events.sort((a, b) => a.time - b.time || a.end - b.end || a.index - b.index);
    const size = events.length + 1;
    this.#next = Int32Array.from({ length: size }, (_, node) => (node + 1) % size);
    this.#previous = Int32Array.from({ length: size }, (_, node) => (node + size - 1) % size);
    this.#pieceOf = new Int32Array(size);
    this.#isEnd = new Uint8Array(size);
    this.#times = new Float64Array(size);
    this.#startOf = new Int32Array(pieces.length);
    this.#endOf = new Int32Array(pieces.length);
    events.forEach(({ time, end, index }, at) => {
      const node = at + 1;
      this.#pieceOf[node] = index;
      this.#isEnd[node] = end;
      this.#times[node] = time;
      (end === 1 ? this.#endOf : this.#startOf)[index] = node;
    });
  }

  get isEmpty(): boolean {
    return this.#next[0] === 0;
  }

  /**
   * Shows every piece that may be next, in order of start, until no more can; `visit` may take the piece that it is shown,
   * which lets later ones come into reach.
   *
   * @returns time of the first end that is left, Infinity without one
   */
  eachEligible(visit: (piece: number) => void): number {
    let node = at(this.#next, 0);
    while (node !== 0) {
      if (this.#isEnd[node] === 1) return this.#times[node] ?? Infinity;
      visit(at(this.#pieceOf, node));
      // A removed node still knows its successor.
      node = at(this.#next, node);
    }
    return Infinity;
  }

  /** The pieces up to `last` that are still here. */
  remainingUpTo(last: number): number[] {
    const remaining: number[] = [];
    for (let node = at(this.#next, 0); node !== 0; node = at(this.#next, node)) {
      if (this.#isEnd[node] === 1) continue;
      const piece = at(this.#pieceOf, node);
      if (piece > last) break;
      remaining.push(piece);
    }
    return remaining;
  }

  take(piece: number): void {
    const end = at(this.#endOf, piece);
    // The end first: if it follows the start at once, the start's successor must be what comes after both.
    if (end !== 0) this.#unlink(end);
    this.#unlink(at(this.#startOf, piece));
  }

  /** Undoes the latest {@link take}. */
  putBack(piece: number): void {
    this.#link(at(this.#startOf, piece));
    const end = at(this.#endOf, piece);
    if (end !== 0) this.#link(end);
  }

  #unlink(node: number): void {
    const next = at(this.#next, node);
    const previous = at(this.#previous, node);
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #link(node: number): void {
    this.#next[at(this.#previous, node)] = node;
    this.#previous[at(this.#next, node)] = node;
  }
}

function at(array: Int32Array, index: number): number {
  const value = array[index];
  assert(value !== undefined, "a link leads out of the list");
  return value;
}
