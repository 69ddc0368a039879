import { expect, test } from "@jest/globals";
import type { BucketId, Disk } from "@quorumfs/core";
import { systemClock } from "@quorumfs/runtime";
import { recordKey } from "../../src/replica/record-key.js";
import { PromiseWalk } from "../../src/upkeep/promise-walk.js";
import { RecordWalk } from "../../src/upkeep/record-walk.js";
import type { ScrubWalk } from "../../src/upkeep/scrub-walk.js";
import { accept, ask, files, openReplica, prepare, tombstoneOf, valueOf } from "../replica/fixture.js";
import { TestStore } from "../replica/lmdb.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { settle, StepClock } from "../support/step-clock.js";

const store = new TestStore();

const never = new AbortController().signal;

interface Found {
  readonly records: number;
  readonly bytes: number;
  readonly steps: number;
  readonly damaged: readonly string[];
}

/** Walks over everything on `disk`. */
async function walkOver(disk: Disk, kind: "records" | "promises" = "records"): Promise<Found> {
  const damaged: string[] = [];
  const onDamage = ({ path }: { readonly bucket: BucketId; readonly path: string }) => damaged.push(path);
  const walk: ScrubWalk =
    kind === "records"
      ? new RecordWalk({ disk, clock: new StepClock(), onDamage })
      : new PromiseWalk({ disk, onDamage });
  const found = { records: 0, bytes: 0, steps: 0, damaged };
  let after: Uint8Array | undefined = new Uint8Array(0);
  while (after) {
    const step = await walk.step(after, never);
    found.records += step.records;
    found.bytes += step.bytes;
    found.steps += 1;
    after = step.after;
  }
  return found;
}

function flip(disk: MemoryDisk, table: string, path: string, byte: number): void {
  const key = recordKey(files, path).bytes;
  const row = disk.table(table).rows.find((candidate) => candidate.key.equals(key));
  if (!row) throw new Error(`${table} has no row for ${path}`);
  const at = byte < 0 ? row.value.length + byte : byte;
  row.value[at] = (row.value[at] ?? 0) ^ 0x04;
}

async function diskWith(contents: Readonly<Record<string, number>>): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { replica } = openReplica(disk);
  for (const [path, size] of Object.entries(contents)) {
    await ask(replica, path, accept(1, valueOf(1, path.slice(0, 1).repeat(size))));
  }
  await replica.close();
  return disk;
}

test.each([
  ["a record's header", "records", "small", 44],
  ["content in a record", "records", "small", -3],
  ["content in its own row", "contents", "large", 3000],
])("a flipped bit in %s is found, and nothing else", async (_what, table, path, byte) => {
  const disk = await diskWith({ small: 100, large: 60_000, other: 100, "other large": 60_000 });
  expect(await walkOver(disk)).toMatchObject({ records: 4, damaged: [] });
  flip(disk, table, path, byte);
  expect(await walkOver(disk)).toMatchObject({ records: 4, damaged: [path] });
});

test("content that is missing from its table, cut, or another's, is found", async () => {
  const disk = await diskWith({ a: 5000, b: 5000, c: 5000, d: 5000 });
  const contents = disk.table("contents");
  const rowOf = (path: string) => contents.get(recordKey(files, path).bytes) ?? new Uint8Array(0);
  contents.put(recordKey(files, "a").bytes, undefined);
  contents.put(recordKey(files, "b").bytes, rowOf("b").subarray(0, 4999));
  contents.put(recordKey(files, "c").bytes, rowOf("d"));
  expect((await walkOver(disk)).damaged).toEqual(["a", "b", "c"]);
});

test("a record that lies under another's key, or was cut, is found", async () => {
  const disk = await diskWith({ a: 10, b: 10, c: 10 });
  const records = disk.table("records");
  const rowOf = (path: string) => records.get(recordKey(files, path).bytes) ?? new Uint8Array(0);
  records.put(recordKey(files, "a").bytes, rowOf("c"));
  records.put(recordKey(files, "b").bytes, rowOf("b").subarray(0, 60));
  expect((await walkOver(disk)).damaged).toEqual(["a", "b"]);
});

test("a flipped bit in a promise is found", async () => {
  const disk = new MemoryDisk();
  const { replica } = openReplica(disk);
  for (const path of ["a", "b"]) {
    await ask(replica, path, accept(1));
    await ask(replica, path, prepare(7));
  }
  expect((await walkOver(disk, "promises")).damaged).toEqual([]);
  flip(disk, "promises", "b", 3);
  expect((await walkOver(disk, "promises")).damaged).toEqual(["b"]);
  expect((await walkOver(disk)).damaged).toEqual([]);
});

test("tombstones are sound", async () => {
  const disk = new MemoryDisk();
  await ask(openReplica(disk).replica, "a", accept(1, tombstoneOf(1)));
  expect(await walkOver(disk)).toMatchObject({ records: 1, damaged: [] });
});

test("what is damaged in between two looks, and written anew by the second, is none", async () => {
  const disk = await diskWith({ a: 5000 });
  const sound = disk.table("contents").get(recordKey(files, "a").bytes);
  flip(disk, "contents", "a", 1);
  const walking = walkOver(disk);
  disk.table("contents").put(recordKey(files, "a").bytes, sound);
  await settle();
  expect((await walking).damaged).toEqual([]);
});

test("it goes in short steps, and what there is to read is known about beforehand", async () => {
  const disk = await diskWith(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`file ${index}`, 100])));
  const clock = new StepClock();
  const estimate = new RecordWalk({ disk, clock, onDamage: () => undefined }).bytes();
  const found = await walkOver(disk);
  expect(found).toMatchObject({ records: 300, steps: 3 });
  expect(estimate).toBeGreaterThan(found.bytes * 0.95);
  expect(estimate).toBeLessThan(found.bytes * 1.05);
  const large = await walkOver(await diskWith({ a: 100_000, b: 100_000, c: 100_000, d: 100_000 }));
  expect(large).toMatchObject({ records: 4, steps: 2 });
  expect(large.bytes).toBeGreaterThan(400_000);
});

test("LMDB, while votes go on: every record is looked at, and none is taken for damaged", async () => {
  const disk = await store.reopen();
  const { replica } = openReplica(disk);
  const paths = Array.from({ length: 600 }, (_, index) => `file ${String(index).padStart(3, "0")}`);
  const write = (counter: number, path: string) => {
    const size = (counter * 37 + path.charCodeAt(7)) % 3 === 0 ? 5000 : 200;
    return ask(replica, path, accept(counter, valueOf(counter, String.fromCharCode(64 + counter).repeat(size))));
  };
  await Promise.all(paths.map((path) => write(1, path)));
  let isWalking = true;
  const writing = (async () => {
    for (let counter = 2; isWalking; counter += 1) {
      await Promise.all(paths.filter((_, index) => index % 7 === counter % 7).map((path) => write(counter, path)));
    }
  })();
  for (let pass = 0; pass < 5; pass += 1) {
    expect(await walkOver(disk)).toMatchObject({ records: 600, damaged: [] });
    await new Promise<void>((resolve) => systemClock().endOfTurn(resolve));
  }
  isWalking = false;
  await writing;
  await replica.close();
  const reopened = await store.reopen();
  expect(await walkOver(reopened)).toMatchObject({ records: 600, damaged: [] });
  expect(await walkOver(reopened, "promises")).toMatchObject({ damaged: [] });
});
