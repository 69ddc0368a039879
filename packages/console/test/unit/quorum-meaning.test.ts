import { describe, expect, test } from "@jest/globals";
import { completeQuorum, replicasMax } from "@quorumfs/core";
import { quorumChoices, quorumMeaning } from "../../src/views/quorum-meaning.js";

describe("quorum meaning", () => {
  test("every choice that is allowed, once for each durability, the default first", () => {
    for (let replicas = 1; replicas <= replicasMax; replicas += 1) {
      const choices = quorumChoices(replicas);
      const named = new Set(choices.map((choice) => `${choice.readQuorum}/${choice.writeQuorum}/${choice.durability}`));
      expect(named.size).toBe(choices.length);
      // For each W, R from N - W + 1 to N.
      expect(choices).toHaveLength(replicas * (replicas + 1));
      const { read, write } = completeQuorum({ replicas });
      expect(choices[0]).toMatchObject({ isDefault: true, readQuorum: read, writeQuorum: write, durability: "fsync" });
      expect(choices.filter(({ isDefault }) => isDefault)).toHaveLength(1);
    }
  });

  test.each([
    // N, R, W: reads and writes go on with so many down.
    [3, 2, 2, 1, 1],
    [3, 1, 3, 2, 0],
    [3, 3, 1, 0, 0],
    [5, 3, 3, 2, 2],
    [5, 2, 4, 3, 1],
    [5, 4, 2, 1, 1],
    [4, 2, 3, 2, 1],
    [1, 1, 1, 0, 0],
  ])("N=%i R=%i W=%i", (replicas, read, write, readsTolerate, writesTolerate) => {
    const meaning = quorumMeaning({ replicas, read, write }, "fsync");
    expect(meaning).toMatchObject({ readsTolerate, writesTolerate });
  });

  test("in words", () => {
    expect(quorumMeaning({ replicas: 3, read: 2, write: 2 }, "fsync")).toEqual({
      readsTolerate: 1,
      writesTolerate: 1,
      summary: "Reads and writes go on with 1 of 3 replicas down.",
      tolerates:
        "Reads and writes go on with 1 of 3 replicas down. An acknowledged write is on 2 disks, and survives the loss of " +
        "one of them and a power cut of all; soon after, repair has brought it to all 3.",
      costs: "A read waits for the second fastest of 3 replicas; a write waits for the second fastest and its disk.",
      warning: null,
    });
    expect(quorumMeaning({ replicas: 3, read: 1, write: 3 }, "fsync").warning).toContain("stops all writes");
    expect(quorumMeaning({ replicas: 3, read: 3, write: 1 }, "fsync").warning).toContain("a single copy");
    expect(quorumMeaning({ replicas: 3, read: 3, write: 2 }, "fsync").warning).toContain("stops all reads");
    expect(quorumMeaning({ replicas: 5, read: 4, write: 3 }, "fsync").warning).toContain("R=3 sees every write");
    expect(quorumMeaning({ replicas: 3, read: 2, write: 2 }, "memory").warning).toContain("power cut");
    expect(quorumMeaning({ replicas: 1, read: 1, write: 1 }, "fsync").warning).toContain("one copy");
  });
});
