import { describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { startCluster } from "../../src/index.js";

const clients = 32;
const files = 1_000;
/** Files under way at once: 256 requests, so that none waits long enough to be refused for load. */
const batch = 8;

type Outcome = "won" | "lost" | "unknown";

async function race(contenders: readonly QuorumFs[], name: string): Promise<readonly Outcome[]> {
  const attempts = contenders.map(async (client, index): Promise<Outcome> => {
    try {
      await client.put(name, String(index), { ifAbsent: true });
      return "won";
    } catch (error) {
      const { code, message } = QuorumError.from(error);
      if (code === "precondition_failed") return "lost";
      // On a machine that is too slow for its load an attempt may hang, and then it is honest to say so.
      if (code === "unknown_outcome") return "unknown";
      throw new Error(`${name}, client ${index}: ${code}: ${message}`);
    }
  });
  return Promise.all(attempts);
}

describe("races", () => {
  test(`${clients} clients put each of ${files} files if it is absent: one wins each`, async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const contenders = await Promise.all(Array.from({ length: clients }, () => cluster.client()));
    const outcomes = new Map<string, readonly Outcome[]>();
    for (let first = 0; first < files; first += batch) {
      const names = Array.from({ length: Math.min(batch, files - first) }, (_, index) => `files/race-${first + index}`);
      await Promise.all(names.map(async (name) => outcomes.set(name, await race(contenders, name))));
    }
    const [reader] = contenders;
    let unknown = 0;
    for (const [name, ofFile] of outcomes) {
      const got = await reader?.get(name);
      const winner = Number(new TextDecoder().decode(got?.content));
      const claimed = ofFile.flatMap((outcome, index) => (outcome === "won" ? [index] : []));
      // Who does not know whether he won may have; whoever was told so has, and nobody else was told the same.
      expect([name, claimed]).toEqual([name, ofFile[winner] === "unknown" ? [] : [winner]]);
      unknown += ofFile.filter((outcome) => outcome === "unknown").length;
    }
    if (unknown > 0) console.log(`${unknown} of ${files * clients} outcomes were unknown`);
    expect(unknown).toBeLessThan((files * clients) / 100);
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
