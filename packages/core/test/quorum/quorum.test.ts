import { describe, expect, test } from "@jest/globals";
import { QuorumError, checkQuorum, completeQuorum, replicasMax } from "../../src/index.js";

describe("quorum", () => {
  test("accepts exactly what lets every read meet every write", () => {
    for (let replicas = 0; replicas <= replicasMax + 1; replicas += 1) {
      for (let read = 0; read <= replicas + 1; read += 1) {
        for (let write = 0; write <= replicas + 1; write += 1) {
          const possible = replicas >= 1 && replicas <= replicasMax && read >= 1 && write >= 1;
          const valid =
            possible && read <= replicas && write <= replicas && everyReadMeetsEveryWrite(replicas, read, write);
          expect([replicas, read, write, accepts({ replicas, read, write })]).toEqual([replicas, read, write, valid]);
        }
      }
    }
  });

  test.each([1.5, NaN, Infinity, -1])("refuses %s as a number of nodes", (number) => {
    expect(accepts({ replicas: number, read: 1, write: 1 })).toBe(false);
    expect(accepts({ replicas: 3, read: number, write: 3 })).toBe(false);
    expect(accepts({ replicas: 3, read: 3, write: number })).toBe(false);
  });

  test("says what would do", () => {
    expect(() => checkQuorum({ replicas: 3, read: 1, write: 2 })).toThrow(
      new QuorumError({
        code: "invalid_argument",
        message:
          "R + W must be greater than N, or a read could miss the newest write: " +
          "R=1 and W=2 with N=3; raise R to 2 or W to 3",
      }),
    );
  });

  test.each([
    [{ replicas: 1 }, "1/1/1"],
    [{ replicas: 3 }, "3/2/2"],
    [{ replicas: 4 }, "4/3/3"],
    [{ replicas: 5 }, "5/3/3"],
    [{ replicas: 5, read: 2 }, "5/2/4"],
    [{ replicas: 5, write: 2 }, "5/4/2"],
    [{ replicas: 4, read: 3 }, "4/3/2"],
    [{ replicas: 3, read: 3, write: 3 }, "3/3/3"],
  ])("completes %j to %s", (given, expected) => {
    const { replicas, read, write } = completeQuorum(given);
    expect(`${replicas}/${read}/${write}`).toBe(expected);
  });
});

function accepts(settings: { replicas: number; read: number; write: number }): boolean {
  try {
    checkQuorum(settings);
    return true;
  } catch (error) {
    expect(QuorumError.from(error).code).toBe("invalid_argument");
    return false;
  }
}

/** The worst case: the writers are the first W nodes, the readers the last R. */
function everyReadMeetsEveryWrite(replicas: number, read: number, write: number): boolean {
  const nodes = Array.from({ length: replicas }, (_, index) => index);
  const writers = new Set(nodes.slice(0, write));
  return nodes.slice(replicas - read).some((node) => writers.has(node));
}
