import { type Piece, type Puzzle } from "./puzzle.js";
import type { RegisterState } from "./register-state.js";

/**
 * What the pieces that are left still need of the register, kept up to date while pieces leave and come back. It tells
 * at once that a state leads nowhere: versions never fall, and a value that was written once never returns.
 */
export class Demands {
  readonly #writtenOnce: readonly boolean[];
  readonly #valueOf: Int32Array;
  readonly #needed: Int32Array;
  readonly #versionOf: Float64Array;
  /** The pieces that need a version, by that version: links, with the head at the end. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head: number;

  constructor({ pieces, writtenOnce }: Puzzle) {
    this.#writtenOnce = writtenOnce;
    this.#valueOf = Int32Array.from(pieces, (piece) => neededValue(piece) ?? none);
    this.#needed = new Int32Array(writtenOnce.length);
    for (const value of this.#valueOf) if (value !== none) this.#needed[value] = (this.#needed[value] ?? 0) + 1;
    this.#versionOf = Float64Array.from(pieces, highestVersionBefore);
    this.#head = pieces.length;
    this.#next = new Int32Array(pieces.length + 1).fill(this.#head);
    this.#previous = new Int32Array(pieces.length + 1).fill(this.#head);
    const ordered = pieces.map((_, index) => index).filter((index) => this.#versionOf[index] !== Infinity);
    ordered.sort((a, b) => (this.#versionOf[a] ?? 0) - (this.#versionOf[b] ?? 0));
    let last = this.#head;
    for (const piece of ordered) {
      this.#previous[piece] = last;
      this.#next[last] = piece;
      last = piece;
    }
    this.#previous[this.#head] = last;
  }

  take(piece: number): void {
    this.#count(piece, -1);
    if (this.#versionOf[piece] === Infinity) return;
    const next = this.#next[piece] ?? 0;
    const previous = this.#previous[piece] ?? 0;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** Undoes the latest {@link take}. */
  putBack(piece: number): void {
    this.#count(piece, 1);
    if (this.#versionOf[piece] === Infinity) return;
    this.#next[this.#previous[piece] ?? 0] = piece;
    this.#previous[this.#next[piece] ?? 0] = piece;
  }

  #count(piece: number, by: number): void {
    const value = this.#valueOf[piece] ?? none;
    if (value !== none) this.#needed[value] = (this.#needed[value] ?? 0) + by;
  }

  /** Whether something other than `piece` still needs the value of `state`, which would be lost for ever. */
  forbidsLeaving(state: RegisterState, piece: number | undefined): boolean {
    const { content } = state;
    if (this.#writtenOnce[content] !== true) return false;
    const own = piece !== undefined && this.#valueOf[piece] === content ? 1 : 0;
    return (this.#needed[content] ?? 0) > own;
  }

  /** Whether something other than `piece` needs a version that has passed once the register is in `state`. */
  forbidsEntering(state: RegisterState, piece: number | undefined): boolean {
    let first = this.#next[this.#head] ?? this.#head;
    if (first === piece) first = this.#next[first] ?? this.#head;
    return first !== this.#head && (this.#versionOf[first] ?? Infinity) < state.version;
  }
}

const none = -1;

function neededValue(piece: Piece): number | undefined {
  if (piece.kind === "sight") return piece.sight.kind === "found" ? piece.sight.value : undefined;
  const { test } = piece.change;
  return test.kind === "value" ? test.value : undefined;
}

/** The highest version that the register may have just before the piece takes its place; Infinity if it is all the same. */
function highestVersionBefore(piece: Piece): number {
  if (piece.kind === "sight") {
    const { sight } = piece;
    if (sight.kind === "found") return sight.version ?? Infinity;
    if (sight.kind === "refused" && sight.currentVersion !== 0) return sight.currentVersion ?? Infinity;
    return Infinity;
  }
  const { test, version } = piece.change;
  const made = version === undefined ? Infinity : version - 1;
  return test.kind === "version" ? Math.min(test.version, made) : made;
}
