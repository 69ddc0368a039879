import { expect, test } from "@jest/globals";
import { silentLog } from "@quorumfs/runtime";
import { DamageLedger } from "../../src/upkeep/damage-ledger.js";
import { MemoryDisk } from "../replica/memory-disk.js";

const a = Buffer.from("a");
const b = Buffer.from("b");
const open = (disk: MemoryDisk) => new DamageLedger({ disk, log: silentLog });
const none = { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 0, chunksRepaired: 0 };

test("counts and what is to be repaired outlive a crash", async () => {
  const disk = new MemoryDisk();
  const ledger = open(disk);
  await Promise.all([ledger.found("record", a), ledger.found("chunk", a), ledger.found("chunk", b)]);
  await ledger.repaired("chunk", a);
  const counts = { recordsDamaged: 1, recordsRepaired: 0, chunksDamaged: 2, chunksRepaired: 1 };
  expect(ledger.counts).toEqual(counts);
  const reopened = open(disk.crash());
  expect(reopened.counts).toEqual(counts);
  expect([...reopened.pending("record", 10)]).toEqual([a]);
  expect([...reopened.pending("chunk", 10)]).toEqual([b]);
});

test("what the disk does not have yet is not shown, so no count ever goes back", async () => {
  const disk = new MemoryDisk();
  const ledger = open(disk);
  disk.hold();
  const noting = ledger.found("record", a);
  expect(ledger.counts).toEqual(none);
  expect(open(disk.crash()).counts).toEqual(none);
  disk.release();
  await noting;
  expect(ledger.counts).toEqual({ ...none, recordsDamaged: 1 });
});

test("what nobody needs any more is no longer to be repaired, and counts as damaged all the same", async () => {
  const disk = new MemoryDisk();
  const ledger = open(disk);
  await ledger.found("chunk", a);
  await ledger.dropped("chunk", a);
  expect(ledger.counts).toEqual({ ...none, chunksDamaged: 1 });
  expect([...ledger.pending("chunk", 10)]).toEqual([]);
});

test("a flipped bit in the counts is put right", async () => {
  const disk = new MemoryDisk();
  await open(disk).found("chunk", a);
  const [row] = disk.table("upkeep").rows;
  if (!row) throw new Error("no counts were stored");
  row.value[22] = (row.value[22] ?? 0) ^ 0x40;
  expect(open(disk).counts).toEqual({ ...none, chunksDamaged: 1 });
});

test("pending: no more than asked for", async () => {
  const ledger = open(new MemoryDisk());
  await Promise.all([ledger.found("chunk", a), ledger.found("chunk", b)]);
  expect([...ledger.pending("chunk", 1)]).toEqual([a]);
});
