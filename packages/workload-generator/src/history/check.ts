import { QuorumError } from "@quorumfs/core";
import type { Operation } from "./operation.js";
import { makePuzzle } from "./puzzle.js";
import { isSolvable } from "./search.js";
import { shrink } from "./shrink.js";

export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The first file, in order of appearance, whose history no register could have produced. */
      readonly file: string;
      /**
       * Operations on it that contradict each other, whatever else happened, in order of start; `formatTimeline` shows
       * them. Leaving any of them out would leave nothing wrong, unless the history was too long to shrink it so far.
       */
      readonly minimal: readonly Operation[];
    };

/**
 * Whether a history could have come from registers, one for each file, whose every operation takes effect at one instant
 * between its start and its end (Herlihy and Wing 1990). Exact: no violation is missed and none is made up.
 *
 * Takes time linear in the number of operations if reads and writes carry versions, or values are unique.
 *
 * @param history in any order; every file starts absent.
 * @throws QuorumError `resource_exhausted` if writes share values, carry no versions and overlap so much that the orders
 *   are too many to be tried
 */
export function checkLinearizable(history: readonly Operation[]): Verdict {
  for (const [file, operations] of byFile(history)) {
    if (!isLinearizable(operations, memoryMax)) return { ok: false, file, minimal: shrink(operations, fails) };
  }
  return { ok: true };
}

// Characters of memory. Whether a history with neither versions nor unique values is linearizable is NP-complete; one
// that needs more than this would not be decided with ten times as much either.
const memoryMax = 200_000_000;

// Shrinking asks thousands of times; what takes longer is no part of an explanation that anybody would follow.
const trialMemoryMax = 20_000_000;

function isLinearizable(operations: readonly Operation[], limit: number): boolean {
  const puzzle = makePuzzle(operations);
  return puzzle !== undefined && isSolvable(puzzle, limit);
}

/** Whether operations are soon found to contradict each other. */
function fails(operations: readonly Operation[]): boolean {
  try {
    return !isLinearizable(operations, trialMemoryMax);
  } catch (error) {
    if (QuorumError.from(error).code === "resource_exhausted") return false;
    throw error;
  }
}

function byFile(history: readonly Operation[]): Map<string, Operation[]> {
  const files = new Map<string, Operation[]>();
  for (const operation of history) {
    const operations = files.get(operation.file);
    if (operations) operations.push(operation);
    else files.set(operation.file, [operation]);
  }
  return files;
}
