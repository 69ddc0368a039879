/**
 * Looks for an order of a file's operations that respects their times and that a register could have gone through: the
 * search of Wing and Gong (1993) with the memory of Lowe (2017), and with what registers offer on top.
 *
 * - An observation that fits the state and teaches nothing takes its place at once: it could never do better later. So
 *   only changes, and observations that name an unknown version, are choices.
 * - What the rest still needs rules most choices out (demands.ts). With versions or unique values there is rarely more
 *   than one left, and the search runs straight through.
 * - Changes that may never have happened and that nobody saw are interchangeable within their kind: only how many were
 *   used matters, fewer are better, and the one that began first serves best. The same holds for plain writes, by their end.
 * - Only situations that led nowhere are remembered, by what is missing rather than by what is done: a few numbers
 *   however long the history is.
 */
import { assert } from "@quorumfs/core";
import { DeadEnds } from "./dead-ends.js";
import { Demands } from "./demands.js";
import { EventList } from "./event-list.js";
import type { Piece, Puzzle } from "./puzzle.js";
import { type RegisterState, change, initialState, look } from "./register-state.js";

interface Choice {
  readonly state: RegisterState;
  /** Undefined for one of the changes that may have happened. */
  readonly piece: number | undefined;
  readonly maybe: number | undefined;
  /** The smaller, the earlier it is tried. */
  readonly rank: number;
}

interface Frame {
  readonly state: RegisterState;
  readonly choices: readonly Choice[];
  tried: number;
  /** How things were before the choice that led here. */
  readonly takenBefore: number;
  readonly lastBefore: number;
  readonly maybe: number | undefined;
}

/**
 * @param memoryMax characters of situations that lead nowhere to be remembered before the search gives up
 * @throws QuorumError `resource_exhausted` if it gave up
 */
export function isSolvable(puzzle: Puzzle, memoryMax: number): boolean {
  return new Search(puzzle, memoryMax).run();
}

class Search {
  readonly #puzzle: Puzzle;
  readonly #events: EventList;
  readonly #demands: Demands;
  /** Pieces in their order so far. */
  readonly #taken: number[] = [];
  /** The latest piece, by start, that has its place. */
  #last = -1;
  /** How many of each group of maybes were used. */
  readonly #used: number[];
  readonly #deadEnds: DeadEnds;

  constructor(puzzle: Puzzle, memoryMax: number) {
    this.#puzzle = puzzle;
    this.#deadEnds = new DeadEnds(memoryMax);
    this.#events = new EventList(puzzle.pieces);
    this.#demands = new Demands(puzzle);
    this.#used = puzzle.maybes.map(() => 0);
  }

  run(): boolean {
    const frames = [this.#enter({ state: initialState, piece: undefined, maybe: undefined, rank: 0 })];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      if (this.#events.isEmpty) return true;
      const choice = frame.choices[frame.tried];
      if (choice !== undefined && !(frame.tried === 0 && this.#isDeadEnd(frame.state))) {
        frame.tried += 1;
        frames.push(this.#enter(choice));
      } else {
        // A state without choices is found out again as fast as it is looked up.
        if (frame.choices.length > 0) this.#deadEnds.add(this.#situation(frame.state), this.#used);
        this.#leave(frame);
        frames.pop();
      }
    }
    return false;
  }

  #enter({ state, piece, maybe }: Choice): Frame {
    const takenBefore = this.#taken.length;
    const lastBefore = this.#last;
    if (piece !== undefined) this.#take(piece);
    if (maybe !== undefined) this.#used[maybe] = (this.#used[maybe] ?? 0) + 1;
    return {
      state,
      choices: this.#choices(state, maybe === undefined ? undefined : takenBefore),
      tried: 0,
      takenBefore,
      lastBefore,
      maybe,
    };
  }

  #leave({ takenBefore, lastBefore, maybe }: Frame): void {
    while (this.#taken.length > takenBefore) {
      const piece = this.#taken.pop();
      assert(piece !== undefined, "more pieces put back than taken");
      this.#events.putBack(piece);
      this.#demands.putBack(piece);
    }
    this.#last = lastBefore;
    if (maybe !== undefined) this.#used[maybe] = (this.#used[maybe] ?? 0) - 1;
  }

  #take(piece: number): void {
    this.#events.take(piece);
    this.#demands.take(piece);
    this.#taken.push(piece);
    this.#last = Math.max(this.#last, piece);
  }

  /**
   * Gives observations that fit their place, then says what may come next.
   *
   * @param unusedSince if the state came from a maybe: how many pieces had their place then
   */
  #choices(state: RegisterState, unusedSince: number | undefined): readonly Choice[] {
    const choices: Choice[] = [];
    const changes: number[] = [];
    const firstEnd = this.#events.eachEligible((index) => {
      const piece = this.#piece(index);
      if (piece.kind === "change") {
        changes.push(index);
        return;
      }
      const seen = look(state, piece.sight);
      if (seen === state) this.#take(index);
      else if (seen) choices.push({ state: seen, piece: index, maybe: undefined, rank: piece.endedAt });
    });
    for (const index of this.#withoutWorsePlain(changes)) {
      const piece = this.#piece(index);
      if (piece.kind !== "change" || this.#demands.forbidsLeaving(state, index)) continue;
      const next = change(state, piece.change);
      if (next) choices.push({ state: next, piece: index, maybe: undefined, rank: piece.endedAt });
    }
    if (!this.#demands.forbidsLeaving(state, undefined)) {
      const inVain = this.#taken.length === unusedSince;
      this.#addMaybes({ state, firstEnd, inVain }, choices);
    }
    const possible = choices.filter((choice) => !this.#demands.forbidsEntering(choice.state, choice.piece));
    return possible.length < 2 ? possible : possible.sort((a, b) => a.rank - b.rank);
  }

  /** Of plain writes only the one that ends first: who puts another before it may as well swap the two. */
  #withoutWorsePlain(changes: readonly number[]): readonly number[] {
    let best: number | undefined;
    const rest = changes.filter((index) => {
      const piece = this.#piece(index);
      if (piece.kind !== "change" || !piece.plain) return true;
      if (best === undefined || piece.endedAt < this.#piece(best).endedAt) best = index;
      return false;
    });
    return best === undefined ? rest : [...rest, best];
  }

  /** @param from `inVain`: the state is a maybe's and nothing has met it, so what does not need it may not follow. */
  #addMaybes(from: { state: RegisterState; firstEnd: number; inVain: boolean }, choices: Choice[]): void {
    const { state, firstEnd, inVain } = from;
    this.#puzzle.maybes.forEach((group, maybe) => {
      const { kind } = group.change.test;
      if (inVain && (kind === "none" || kind === "exists")) return;
      const startsAt = group.startsAt[this.#used[maybe] ?? 0];
      if (startsAt === undefined || startsAt > firstEnd) return;
      const next = change(state, group.change);
      // Last: most of them never happened.
      if (next) choices.push({ state: next, piece: undefined, maybe, rank: Infinity });
    });
  }

  #piece(index: number): Piece {
    const piece = this.#puzzle.pieces[index];
    assert(piece !== undefined, "the list knows only pieces of this puzzle");
    return piece;
  }

  #isDeadEnd(state: RegisterState): boolean {
    return !this.#deadEnds.isEmpty && this.#deadEnds.has(this.#situation(state), this.#used);
  }

  #situation({ content, version, exact, excluded }: RegisterState): string {
    const missing = this.#events.remainingUpTo(this.#last).join();
    return `${this.#last} ${missing} ${content} ${version} ${exact ? "" : `+${excluded.join()}`}`;
  }
}
