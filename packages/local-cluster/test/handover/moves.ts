import type { LayoutChange, QuorumFs } from "@quorumfs/client";
import { expect } from "@jest/globals";
import type { LocalCluster } from "../../src/index.js";
import { mebibyte, readAll, same, sample } from "../large/sample.js";

const smallFiles = 300;
const largeFiles = 2;
const largeBytes = 9 * mebibyte;
const chunksPerLarge = 3;
const replicas = 3;
// A move takes seconds; on a machine that is busy with other tests, many times as long.
const moveTimeoutMs = 120_000;

/** Files whose content follows from their names: small ones, of which some are deleted, and large ones. */
export async function fill(client: QuorumFs): Promise<void> {
  await Promise.all(Array.from({ length: smallFiles }, (_, at) => client.put(`files/small-${at}`, `small ${at}`)));
  await Promise.all([0, 1, 2].map((at) => client.delete(`files/small-${at}`)));
  for (let at = 0; at < largeFiles; at += 1) await client.put(`files/large-${at}`, sample(largeBytes, at));
}

/** All that {@link fill} has written is there, and nothing of what it has deleted. */
export async function expectFilled(client: QuorumFs): Promise<void> {
  const listed: string[] = [];
  for await (const { path } of client.list("files", { prefix: "small-" })) listed.push(path);
  expect(listed).toHaveLength(smallFiles - 3);
  await Promise.all(
    listed.map(async (path) => {
      const { content } = await client.get(`files/${path}`);
      expect(new TextDecoder().decode(content)).toBe(path.replace("-", " "));
    }),
  );
  for (const at of [0, 1, 2])
    await expect(client.get(`files/small-${at}`)).rejects.toMatchObject({ code: "not_found" });
  for (let at = 0; at < largeFiles; at += 1) {
    const { body } = await client.read(`files/large-${at}`);
    expect(same(await readAll(body), sample(largeBytes, at))).toBe("same");
  }
}

/** Waits until each of these chunks is on as many nodes as it is to be, and on no other. */
export async function chunksPlaced(cluster: LocalCluster, client: QuorumFs, more = 0): Promise<void> {
  const expected = replicas * (largeFiles * chunksPerLarge + more);
  let found = 0;
  await cluster.waitUntil(
    "each chunk is on its replicas and nowhere else",
    async () => {
      found = (await client.nodes()).reduce((sum, { load }) => sum + (load?.chunks ?? 0), 0);
      return found === expected;
    },
    moveTimeoutMs,
  );
  expect(found).toBe(expected);
}

/** Waits until each file is on its replicas, as they tell. */
export async function recordsPlaced(cluster: LocalCluster, client: QuorumFs): Promise<void> {
  await cluster.waitUntil(
    "each file is on its replicas",
    async () => {
      for await (const { holders, behind } of client.state({ bucket: "files" })) {
        if (holders.length !== replicas || behind.length > 0) return false;
      }
      return true;
    },
    moveTimeoutMs,
  );
}

/** A large file whose second half is sent when the test says so. */
export function slowUpload(client: QuorumFs, name: string) {
  const content = sample(2 * largeBytes, 77);
  let resume: () => void = () => undefined;
  const halfway = new Promise<void>((resolve) => (resume = resolve));
  async function* body(): AsyncGenerator<Uint8Array> {
    yield content.subarray(0, largeBytes);
    await halfway;
    yield content.subarray(largeBytes);
  }
  const stored = client.put(name, body(), { timeoutMs: moveTimeoutMs });
  return {
    chunks: Math.ceil(content.byteLength / (4 * mebibyte)),
    finish: async (): Promise<void> => {
      resume();
      await stored;
    },
    expectStored: async (): Promise<void> => {
      const { body: found } = await client.read(name);
      expect(same(await readAll(found), content)).toBe("same");
    },
  };
}

/** Resolves with the end of the change that is under way. */
export async function moved(client: QuorumFs): Promise<LayoutChange | undefined> {
  let last: LayoutChange | undefined;
  for await (const change of client.layout.watch({ timeoutMs: moveTimeoutMs })) last = change;
  return last;
}

/** Resolves when this many partitions have moved in the change that is under way, or when it has ended. */
export async function movedSome(client: QuorumFs, partitions: number): Promise<void> {
  for await (const { movesDone } of client.layout.watch({ timeoutMs: moveTimeoutMs })) {
    if (movesDone >= partitions) return;
  }
}
