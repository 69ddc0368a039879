import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Operation, checkLinearizable } from "../../src/index.js";
import { anyHistory, bentHistory, possibleHistory } from "./arbitrary.js";
import { isLinearizableByBruteForce } from "./oracle.js";

// fast-check prints the seed and the shrunken counterexample of a failure.
const runs = { numRuns: 4_000 };

describe("check against brute force", () => {
  test("histories of unrelated operations", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        expect(checkLinearizable(history).ok).toBe(isLinearizableByBruteForce(history));
      }),
      runs,
    );
  });

  test("histories that nearly happened", () => {
    fc.assert(
      fc.property(bentHistory, (history) => {
        expect(checkLinearizable(history).ok).toBe(isLinearizableByBruteForce(history));
      }),
      runs,
    );
  });

  test("histories that happened, long ones too, with shared and with unique values", () => {
    const happened = fc.oneof(possibleHistory({ maxLength: 40 }), possibleHistory({ maxLength: 200, unique: true }));
    fc.assert(
      fc.property(happened, (history) => {
        expect(checkLinearizable(history)).toEqual({ ok: true });
      }),
      { numRuns: 1_000 },
    );
  });

  test("a minimal history contradicts itself, and consists of what was there", () => {
    fc.assert(
      fc.property(fc.oneof(anyHistory, bentHistory), (history) => {
        const verdict = checkLinearizable(history);
        if (verdict.ok) return;
        expect(isLinearizableByBruteForce(verdict.minimal)).toBe(false);
        for (const operation of verdict.minimal) expect(wasThere(operation, history)).toBe(true);
      }),
      runs,
    );
  });
});

/** As it was, or cut off while it was under way. */
function wasThere(operation: Operation, history: readonly Operation[]): boolean {
  const { outcome: _, ...request } = operation;
  return history.some(({ outcome: __, ...other }) => JSON.stringify(other) === JSON.stringify(request));
}
