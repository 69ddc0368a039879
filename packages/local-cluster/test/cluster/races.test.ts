import { describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { startCluster } from "../../src/index.js";

const clients = 32;
const files = 1_000;
/** Files under way at once: 256 requests, so that none waits long enough to be refused for load. */
const batch = 8;

async function race(contenders: readonly QuorumFs[], name: string): Promise<number[]> {
  const attempts = contenders.map(async (client, index) => {
    try {
      await client.put(name, String(index), { ifAbsent: true });
      return true;
    } catch (error) {
      const { code, message } = QuorumError.from(error);
      if (code !== "precondition_failed") throw new Error(`${name}, client ${index}: ${code}: ${message}`);
      return false;
    }
  });
  const won = await Promise.all(attempts);
  return won.flatMap((hasWon, index) => (hasWon ? [index] : []));
}

describe("races", () => {
  test(`${clients} clients put each of ${files} files if it is absent: one wins each`, async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const contenders = await Promise.all(Array.from({ length: clients }, () => cluster.client()));
    const winners = new Map<string, number>();
    for (let first = 0; first < files; first += batch) {
      const names = Array.from({ length: Math.min(batch, files - first) }, (_, index) => `files/race-${first + index}`);
      await Promise.all(
        names.map(async (name) => {
          const won = await race(contenders, name);
          expect([name, won.length]).toEqual([name, 1]);
          winners.set(name, won[0] ?? -1);
        }),
      );
    }
    const [reader] = contenders;
    for (const [name, winner] of winners) {
      const content = await reader?.get(name);
      expect([name, new TextDecoder().decode(content?.content)]).toEqual([name, String(winner)]);
    }
  }, 180_000);

  test("eight clients count up one file by its version: nothing is lost", async () => {
    await using cluster = await startCluster({ nodes: 3 });
    await (await cluster.client()).put("files/counter", "0");
    const increments = 25;
    const count = async (client: QuorumFs): Promise<void> => {
      for (let done = 0; done < increments;) {
        const { content, file } = await client.get("files/counter");
        const next = Number(new TextDecoder().decode(content)) + 1;
        try {
          await client.put("files/counter", String(next), { ifVersion: file.version });
          done += 1;
        } catch (error) {
          if (QuorumError.from(error).code !== "precondition_failed") throw error;
        }
      }
    };
    const contenders = await Promise.all(Array.from({ length: 8 }, () => cluster.client()));
    await Promise.all(contenders.map(count));
    const { content } = await (await cluster.client()).get("files/counter");
    expect(new TextDecoder().decode(content)).toBe(String(8 * increments));
  });
});
