/** Damage of each kind of stored thing, at rest and while the node runs, on a cluster whose disks the test holds in its hands. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { bucketId, QuorumError } from "@quorumfs/core";
import { ChunkServiceService, MaintenanceServiceService, ScrubState } from "@quorumfs/proto";
import { chunkKeyBytes } from "../../src/chunk/chunk-key.js";
import { recordKey } from "../../src/replica/record-key.js";
import { noise, upload } from "../content/fixture.js";
import { LargeClient } from "../content/large-client.js";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

const bucket = bucketId(1);
const uploadNumber = 7;
const chunkBytes = 96 * 1024;
const large = noise(200 * 1024, 1);
const small = "small enough to lie in its record";
const medium = "m".repeat(60_000);

let cluster: SmallCluster;
let client: LargeClient;

beforeEach(async () => {
  cluster = await SmallCluster.start();
  client = new LargeClient(cluster);
  await cluster.files(0).put("small", small);
  await cluster.files(0).put("medium", medium);
  await cluster.files(1).put("other", small);
  const extent = await client.upload("large", uploadNumber, large, { chunkBytes });
  await client.put("large", uploadNumber, { extents: [extent] }, { bytes: large });
  await settle();
});
afterEach(() => cluster.close());

/** Part of what node `index` has on its disks. */
class Disks {
  readonly #index: number;

  constructor(index: number) {
    this.#index = index;
  }

  row(table: string, key: Buffer): Buffer {
    const row = cluster.disks[this.#index]?.table(table).rows.find((candidate) => candidate.key.equals(key));
    if (!row) throw new Error(`${table} has no such row`);
    return row.value;
  }

  put(table: string, key: Buffer, value: Uint8Array | undefined): void {
    cluster.disks[this.#index]?.table(table).put(key, value);
  }

  /** Where a chunk's file is. */
  place(index: number): string {
    return this.row("chunks", chunkKey(index)).toString("latin1", 20);
  }

  get files() {
    const files = cluster.contents[this.#index];
    if (!files) throw new Error(`node ${this.#index} has no content files`);
    return files;
  }

  bytes(index: number): Uint8Array {
    return this.files.bytesAt(this.place(index));
  }
}

function chunkKey(index: number): Buffer {
  return chunkKeyBytes({ owner: { bucket, path: "large" }, upload: upload(uploadNumber), index });
}

function flip(bytes: Uint8Array, at: number): void {
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0x20;
}

const keyOf = (path: string) => recordKey(bucket, path).bytes;

/** What can go wrong with chunk 1 of "large". */
const chunkDamages: readonly (readonly [string, (disks: Disks) => void])[] = [
  ["a bit in a chunk's first block", (disks) => flip(disks.bytes(1), 100)],
  ["a bit in a chunk's last block", (disks) => flip(disks.bytes(1), chunkBytes - 1)],
  ["a bit in a chunk's checksums", (disks) => flip(disks.bytes(1), chunkBytes + 2)],
  ["a bit in a chunk's footer", (disks) => flip(disks.bytes(1), -30)],
  ["a bit in a chunk's row", (disks) => flip(disks.row("chunks", chunkKey(1)), 9)],
  ["a chunk's file cut", (disks) => disks.files.replace(disks.place(1), disks.bytes(1).slice(0, 70_000))],
  ["a chunk's file empty", (disks) => disks.files.replace(disks.place(1), new Uint8Array(0))],
  [
    "a chunk's file grown",
    (disks) => disks.files.replace(disks.place(1), Buffer.concat([disks.bytes(1), Buffer.of(1)])),
  ],
  ["a chunk's file deleted", (disks) => void disks.files.remove([disks.place(1)])],
  ["another's file in its place", (disks) => disks.files.replace(disks.place(1), disks.bytes(0).slice())],
];

/** What can go wrong with a record, its content, or its promise. */
const recordDamages: readonly (readonly [string, (disks: Disks) => void])[] = [
  ["a bit in a record's header", (disks) => flip(disks.row("records", keyOf("small")), 50)],
  ["a bit in a record's checksum", (disks) => flip(disks.row("records", keyOf("small")), 1)],
  ["a bit in content in a record", (disks) => flip(disks.row("records", keyOf("small")), -2)],
  ["a bit in content in its own row", (disks) => flip(disks.row("contents", keyOf("medium")), 30_000)],
  ["a row of content deleted", (disks) => disks.put("contents", keyOf("medium"), undefined)],
  ["a row of content cut", (disks) => disks.put("contents", keyOf("medium"), Buffer.from("m".repeat(59_999)))],
  [
    "another's record in its place",
    (disks) => disks.put("records", keyOf("small"), disks.row("records", keyOf("other"))),
  ],
  ["a bit in a manifest", (disks) => flip(disks.row("records", keyOf("large")), -5)],
  ["a promise that is none", (disks) => disks.put("promises", keyOf("small"), Buffer.alloc(20, 3))],
];

const service = MaintenanceServiceService;
const options = { timeoutMs: 10_000 };

function maintenance(index: number) {
  const address = cluster.nodes[index]?.address ?? "";
  return cluster.network.connect({ address, purpose: "control", identity: new Map() });
}

/** A pass over everything on node `index`, fast. @returns what it came to */
async function scrub(index: number) {
  const rate = { bytesPerSecond: 100 * 1024 * 1024, restart: true };
  await maintenance(index).unary(service.startScrub, rate, options);
  await cluster.clock.pass(3000);
  const { status } = await maintenance(index).unary(service.getScrub, {}, options);
  expect(status).toMatchObject({ state: ScrubState.SCRUB_STATE_IDLE, recordsChecked: 4, chunksChecked: 3 });
  return status?.damage;
}

async function damageOf(index: number) {
  return (await maintenance(index).unary(service.getScrub, {}, options)).status?.damage;
}

/** What node `index` itself answers for a chunk: the right bytes, wrong ones, or the code of its refusal. */
async function chunkState(index: number, chunk: number): Promise<string> {
  const address = cluster.nodes[index]?.address ?? "";
  const channel = cluster.network.connect({ address, purpose: "bulk", identity: new Map() });
  const request = {
    owner: { bucket, path: "large" },
    upload: upload(uploadNumber),
    index: chunk,
    offset: 0,
    length: 0,
  };
  const parts: Uint8Array[] = [];
  try {
    for await (const { data } of channel.serverStream(ChunkServiceService.readChunk, request, options)) {
      parts.push(Uint8Array.from(data));
    }
  } catch (error) {
    return QuorumError.from(error).code;
  }
  const stored = large.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes);
  return Buffer.concat(parts).equals(stored) ? "right" : "wrong";
}

async function contentsAreRight(through: number): Promise<void> {
  const decode = (content: Uint8Array) => new TextDecoder().decode(content);
  expect(decode((await cluster.files(through).get("small")).content)).toBe(small);
  expect(decode((await cluster.files(through).get("medium")).content)).toBe(medium);
  expect((await client.read("large", { through })).equals(large)).toBe(true);
}

async function restartWith(index: number, damage: (disks: Disks) => void): Promise<void> {
  await cluster.nodes[index]?.close();
  damage(new Disks(index));
  const disk = cluster.disks[index];
  if (disk) await cluster.startNode(index, disk);
}

const none = { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 0, chunksRepaired: 0 };
const oneChunk = { ...none, chunksDamaged: 1, chunksRepaired: 1 };
const oneRecord = { ...none, recordsDamaged: 1, recordsRepaired: 1 };

test("all is well: nothing is found, by any node", async () => {
  for (const index of [0, 1, 2]) expect(await scrub(index)).toEqual(none);
});

describe.each(chunkDamages)("%s", (_what, damage) => {
  test("at rest: a scrub finds it, and it is repaired", async () => {
    await restartWith(1, damage);
    expect(await scrub(1)).toEqual(oneChunk);
    expect(await chunkState(1, 1)).toBe("right");
    expect(await scrub(1)).toEqual(oneChunk);
    await contentsAreRight(1);
  });

  test("while the node runs: whoever reads it gets an error or the right bytes, and it is repaired at once", async () => {
    damage(new Disks(1));
    expect(["right", "corrupt", "not_found"]).toContain(await chunkState(1, 1));
    await settle();
    await settle();
    expect(await chunkState(1, 1)).toBe("right");
    expect(await scrub(1)).toEqual(oneChunk);
    await contentsAreRight(1);
  });
});

describe.each(recordDamages)("%s", (_what, damage) => {
  test("at rest: a scrub finds it, and it is repaired", async () => {
    await restartWith(1, damage);
    expect(await scrub(1)).toEqual(oneRecord);
    expect(await scrub(1)).toEqual(oneRecord);
    await contentsAreRight(1);
  });

  test("while the node runs: nobody is shown it, and it is repaired", async () => {
    damage(new Disks(1));
    await contentsAreRight(1);
    await scrub(1);
    await contentsAreRight(1);
    expect(await scrub(1)).toEqual(oneRecord);
    await restartWith(1, () => undefined);
    await contentsAreRight(1);
    expect(await scrub(1)).toEqual(oneRecord);
  });
});

/** Chunk 1 loses a bit in the file that node `index` has of it. */
const spoil = (index: number) => flip(new Disks(index).bytes(1), 70_000);
/** Longer than a repair ever waits for its next try. */
const retryMs = 5 * 60_000;

describe("copies", () => {
  test("two of three damaged: both are repaired from the third", async () => {
    spoil(0);
    spoil(1);
    expect(await scrub(0)).toEqual(oneChunk);
    expect(await scrub(1)).toEqual(oneChunk);
    expect(await Promise.all([0, 1, 2].map((index) => chunkState(index, 1)))).toEqual(["right", "right", "right"]);
  });

  test("the only good copy is away: repaired when it is back, and not said to be so before", async () => {
    await cluster.nodes[2]?.close();
    spoil(0);
    spoil(1);
    const damaged = { ...none, chunksDamaged: 1 };
    expect(await scrub(0)).toEqual(damaged);
    expect(await scrub(1)).toEqual(damaged);
    await cluster.clock.pass(3 * retryMs);
    expect([await chunkState(0, 1), await chunkState(1, 1)]).toEqual(["corrupt", "corrupt"]);
    const disk = cluster.disks[2];
    if (disk) await cluster.startNode(2, disk);
    await cluster.clock.pass(retryMs);
    expect([await chunkState(0, 1), await chunkState(1, 1)]).toEqual(["right", "right"]);
    expect(await scrub(0)).toEqual(oneChunk);
    expect(await scrub(1)).toEqual(oneChunk);
  });

  test("damaged everywhere: nobody serves it, nobody says that it was repaired, and the rest of the file is whole", async () => {
    for (const index of [0, 1, 2]) spoil(index);
    for (const index of [0, 1, 2]) expect(await scrub(index)).toEqual({ ...none, chunksDamaged: 1 });
    await cluster.clock.pass(3 * retryMs);
    for (const index of [0, 1, 2]) {
      expect([await chunkState(index, 0), await chunkState(index, 1)]).toEqual(["right", "corrupt"]);
    }
  });

  test("a node that ends before the repair repairs after its restart, without another scrub", async () => {
    await cluster.nodes[2]?.close();
    await cluster.nodes[0]?.close();
    spoil(1);
    expect(await chunkState(1, 1)).toBe("corrupt");
    await settle();
    await restartWith(1, () => undefined);
    const disk = cluster.disks[2];
    if (disk) await cluster.startNode(2, disk);
    await cluster.clock.pass(retryMs);
    expect(await chunkState(1, 1)).toBe("right");
    expect(await damageOf(1)).toEqual(oneChunk);
  });

  test("the file is deleted before the repair: its chunk is no longer of interest", async () => {
    await cluster.nodes[2]?.close();
    spoil(0);
    spoil(1);
    expect(await scrub(1)).toMatchObject({ chunksDamaged: 1, chunksRepaired: 0 });
    await cluster.files(0).delete("large");
    await cluster.clock.pass(20 * 60_000);
    expect(await chunkState(1, 1)).toBe("not_found");
    expect(await damageOf(1)).toEqual({ ...none, chunksDamaged: 1 });
  });
});

test("a read that meets damaged content: repaired at once, without a scrub", async () => {
  await maintenance(1).unary(service.pauseScrub, {}, options);
  await restartWith(1, (disks) => flip(disks.row("contents", keyOf("medium")), 30_000));
  await contentsAreRight(1);
  await settle();
  expect(await damageOf(1)).toEqual(oneRecord);
  expect(new Disks(1).row("contents", keyOf("medium")).toString()).toBe(medium);
});

test("a vote that meets a damaged record: repaired at once, without a scrub", async () => {
  await restartWith(1, (disks) => flip(disks.row("records", keyOf("small")), 50));
  await cluster.files(0).put("small", small);
  await settle();
  await settle();
  expect(await damageOf(1)).toEqual(oneRecord);
});

test("a node ends in the middle of a repair that cannot succeed: at once", async () => {
  // Before the start: it compares its records with the others', and so meets the damage at once.
  cluster.holdVotesFrom(1);
  await restartWith(1, (disks) => flip(disks.row("records", keyOf("small")), 50));
  const rate = { bytesPerSecond: 100 * 1024 * 1024, restart: true };
  await maintenance(1).unary(service.startScrub, rate, options);
  await settle();
  expect(await damageOf(1)).toEqual({ ...none, recordsDamaged: 1 });
  await cluster.nodes[1]?.close();
});

test("beats tell what is held, and what was damaged", async () => {
  spoil(1);
  await scrub(1);
  await cluster.clock.pass(1000);
  const { load } = cluster.superNode.beats.findLast(({ nodeId }) => nodeId === cluster.nodes[1]?.nodeId) ?? {};
  expect(load).toMatchObject({
    chunks: 3,
    chunkBytes: large.length,
    reclaimableBytes: 0,
    uploadingBytes: 0,
    full: false,
    damage: oneChunk,
  });
});
