/**
 * A DataNode whose messages take seconds, and which the SuperNode finds in perfect health. What is asserted is how many
 * operations waited for it, and not how long the others took: these delays are far beyond what a slow machine adds.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { countOver, timedLoad } from "./timed-load.js";

const files = 60;
const inFlight = 8;
const delayMs = 3_000;

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  // One that knows the files: only it can tell, whatever happens, whether a write of its own has taken effect.
  client = await cluster.client();
  await timedLoad({ client, operations: files, files, inFlight, writeEvery: 1 });
});

/** What was late has arrived, and the client knows again how quick everybody is. */
beforeEach(async () => {
  await cluster.waitUntil(
    "everybody votes in time",
    async () => {
      const { readsMs, writesMs } = await timedLoad({ client, operations: 180, files, inFlight, writeEvery: 2 });
      const voted = new Set<number>();
      for (let round = 0; round < 12; round += 1) {
        for (const node of (await client.put(`files/settled-${round}`, "x")).acknowledged) voted.add(node);
      }
      return voted.size === 3 && countOver([...readsMs, ...writesMs], delayMs / 2) === 0;
    },
    10_000,
  );
});

afterEach(() => cluster.heal());

afterAll(() => cluster.close());

function delay(slow: number, others: readonly (number | "client")[]): void {
  cluster.delayMessages({ from: slow, to: others, delayMs });
  cluster.delayMessages({ from: others, to: slow, delayMs });
}

const stateOf = async (id: number) => (await client.nodes()).find((node) => node.id === id)?.state;

describe.each([1, 3])("DataNode %d answers after seconds", (slow) => {
  const others = [1, 2, 3].filter((id) => id !== slow);

  test("everybody: reads and writes go on without it", async () => {
    delay(slow, [...others, "client"]);
    const { readsMs, writesMs } = await timedLoad({ client, operations: 600, files, inFlight, writeEvery: 3 });
    expect(await stateOf(slow)).toBe("up");
    expect(countOver(readsMs, delayMs)).toBe(0);
    // No more than were under way when it began, and one attempt to see whether it is over.
    expect(countOver(writesMs, delayMs)).toBeLessThanOrEqual(2);
  });
});

describe("only some of its messages are late", () => {
  test("votes: the operations of the others do not wait for it", async () => {
    delay(1, [2, 3]);
    const { readsMs, writesMs } = await timedLoad({ client, operations: 600, files, inFlight, writeEvery: 3 });
    expect(countOver(readsMs, delayMs)).toBe(0);
    expect(countOver(writesMs, delayMs)).toBeLessThanOrEqual(2);
  });

  test("votes: writes alone find out, too", async () => {
    delay(1, [2, 3]);
    const { writesMs } = await timedLoad({ client, operations: 240, files, inFlight, writeEvery: 1 });
    expect(countOver(writesMs, delayMs)).toBeLessThanOrEqual(2);
    // Each wait of the client's own patience is followed by a rest that doubles.
    expect(countOver(writesMs, 650)).toBeLessThanOrEqual(4 * inFlight);
  });

  test("answers to the client: others are asked", async () => {
    cluster.delayMessages({ from: 2, to: "client", delayMs });
    const { readsMs, writesMs } = await timedLoad({ client, operations: 600, files, inFlight, writeEvery: 3 });
    expect(countOver(readsMs, delayMs)).toBe(0);
    expect(countOver(writesMs, delayMs)).toBeLessThanOrEqual(2);
  });
});

describe("a DataNode that was slow", () => {
  test("coordinates again once it is well", async () => {
    const asked = cluster.delayMessages({ from: "client", to: 3, delayMs: 0 });
    delay(3, [1, 2, "client"]);
    await timedLoad({ client, operations: 300, files, inFlight, writeEvery: 3 });
    cluster.heal();
    asked.end();
    const again = cluster.delayMessages({ from: "client", to: 3, delayMs: 0 });
    await cluster.waitUntil(
      "writes go there",
      async () => {
        const before = again.hits;
        await timedLoad({ client, operations: 60, files, inFlight, writeEvery: 1 });
        return again.hits - before >= 5;
      },
      20_000,
    );
  });
});
