/** Damage in each kind of stored file, at rest and while the node runs: nobody sees a wrong byte, and a scrub repairs it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { DamageInfo, QuorumFs } from "@quorumfs/client";
import { chunksOf } from "@quorumfs/core";
import { FileServiceService } from "@quorumfs/proto";
import { grpcNetwork } from "@quorumfs/rpc";
import { decodeManifest, silentLog } from "@quorumfs/runtime";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { ChunkCaller } from "./chunk-caller.js";
import { chunkDamage, chunkFiles, damageTable, flipByte } from "./damage.js";
import { mebibyte, same, sample } from "./sample.js";

const victim = 2;

let cluster: LocalCluster;
let client: QuorumFs;
let bucket: number;

const files = new Map([
  ["files/small", sample(1000, 1)],
  ["files/inline", sample(50_000, 2)],
  ["files/large", sample(9 * mebibyte + 5, 3)],
  ["files/larger", sample(14 * mebibyte, 4)],
]);

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, dataNode: { retireAfterMs: 100 } });
  client = await cluster.client();
  bucket = (await client.buckets.info("files")).id;
  for (const [name, content] of files) {
    // Two of three are enough for a put; a node that has just started may miss it.
    await cluster.waitUntil(`${name} is on all three`, async () => {
      await client.put(name, content);
      return (await cluster.replicaCount(name)) === 3;
    });
  }
  await cluster.waitUntil("every copy is where it belongs, and no other", isComplete, 60_000);
});

afterAll(() => cluster.close());

const directory = (): string => cluster.nodes.find(({ id }) => id === victim)?.dataDir ?? "";

async function isComplete(): Promise<boolean> {
  for (const name of files.keys()) if ((await cluster.replicaCount(name)) < 3) return false;
  return (await client.nodes()).every(({ load }) => load?.chunks === 7);
}

async function readEverything(): Promise<void> {
  for (const [name, content] of files) {
    expect([name, same((await client.get(name)).content, content)]).toEqual([name, "same"]);
    const offset = content.length >> 2;
    const length = content.length >> 3;
    const range = (await client.get(name, { offset, length })).content;
    expect([name, same(range, content.subarray(offset, offset + length))]).toEqual([name, "same"]);
  }
}

async function damageOf(): Promise<DamageInfo> {
  const [answer] = await client.scrub.status({ nodes: [victim] });
  if (!answer?.scrub) throw answer?.error ?? new Error("no answer");
  return answer.scrub.damage;
}

/** A whole pass of the node, and the repair of all that it has found. */
async function scrub(): Promise<void> {
  const before = (await client.scrub.status({ nodes: [victim] }))[0]?.scrub?.passEndedAt;
  await client.scrub.start({ nodes: [victim], bytesPerSecond: 2 ** 30, restart: true });
  await cluster.waitUntil(
    "the scrub is over, and all is repaired",
    async () => {
      const [answer] = await client.scrub.status({ nodes: [victim] });
      if (!answer?.scrub) return false;
      const { state, passEndedAt, damage } = answer.scrub;
      const isNew = passEndedAt !== undefined && passEndedAt.getTime() !== before?.getTime();
      const isRepaired =
        damage.chunksDamaged === damage.chunksRepaired && damage.recordsDamaged === damage.recordsRepaired;
      return state === "idle" && isNew && isRepaired;
    },
    60_000,
  );
}

/** The node itself has every byte of every chunk, and finds nothing wrong any more. */
async function expectWhole(): Promise<void> {
  await cluster.waitUntil("the node has all its chunks", isComplete, 30_000);
  const { address } = cluster.nodes.find(({ id }) => id === victim) ?? { address: "" };
  const network = grpcNetwork({ log: silentLog });
  const channel = network.connect({ address, purpose: "bulk", identity: new Map() });
  const fileChannel = network.connect({ address, purpose: "files", identity: new Map() });
  try {
    for (const [name, content] of files) {
      const path = name.slice("files/".length);
      const request = { bucket: "files", path, consistency: 0, acceptManifest: true };
      const { manifest } = await fileChannel.unary(FileServiceService.get, request, { timeoutMs: 10_000 });
      if (manifest.length === 0) continue;
      const caller = new ChunkCaller({ channel, bucket, path });
      const { extents } = decodeManifest(manifest);
      for (const { upload, index, bytes, fileOffset } of chunksOf(extents, { offset: 0, length: content.length })) {
        const wanted = content.subarray(fileOffset, fileOffset + bytes);
        expect([name, index, same(await caller.read(upload, index), wanted)]).toEqual([name, index, "same"]);
      }
    }
  } finally {
    channel.close();
    fileChannel.close();
  }
  const before = await damageOf();
  await scrub();
  expect(await damageOf()).toEqual(before);
}

describe.each(Object.entries(chunkDamage))("a chunk's file: %s", (_what, damage) => {
  async function hit(): Promise<void> {
    const [first = "", second = ""] = await chunkFiles(directory());
    await damage(first, second);
  }

  test("at rest", async () => {
    const before = await damageOf();
    await cluster.stop(victim);
    await hit();
    await cluster.restart(victim);
    await cluster.ready();
    await readEverything();
    await scrub();
    const after = await damageOf();
    expect(after.chunksRepaired).toBeGreaterThan(before.chunksRepaired);
    await readEverything();
    await expectWhole();
  });

  test("while it runs", async () => {
    await readEverything();
    const before = await damageOf();
    await hit();
    await readEverything();
    await scrub();
    const after = await damageOf();
    expect(after.chunksRepaired).toBeGreaterThan(before.chunksRepaired);
    await readEverything();
    await expectWhole();
  });
});

describe("all chunk files of a node", () => {
  test("a bit in each of them: all are repaired", async () => {
    const before = await damageOf();
    for (const path of await chunkFiles(directory())) await flipByte(path, 5);
    await readEverything();
    await scrub();
    expect((await damageOf()).chunksRepaired - before.chunksRepaired).toBe(7);
    await expectWhole();
  });
});

describe("rows of the store, at rest", () => {
  test.each(["records", "contents", "chunks", "chunk-places", "chunk-kept", "chunk-owners"])(
    "a bit in each row of %s",
    async (table) => {
      await cluster.stop(victim);
      const rows = await damageTable(directory(), table);
      expect(rows).toBeGreaterThan(0);
      await cluster.restart(victim);
      await cluster.ready();
      await readEverything();
      await scrub();
      await readEverything();
      await expectWhole();
    },
  );
});

describe("rows of the store, while it runs", () => {
  test("a bit in a small file's content", async () => {
    const needle = (files.get("files/small") ?? Buffer.alloc(0)).subarray(100, 200);
    const data = join(directory(), "records", "data.mdb");
    const places: number[] = [];
    await cluster.waitUntil("the record has got from the journal into the tables", async () => {
      const bytes = await readFile(data);
      places.length = 0;
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) places.push(at);
      return places.length > 0;
    });
    const before = await damageOf();
    for (const at of places) await flipByte(data, at + 50);
    for (let round = 0; round < 10; round += 1) await readEverything();
    await scrub();
    expect((await damageOf()).recordsRepaired).toBeGreaterThan(before.recordsRepaired);
    await expectWhole();
  });
});
