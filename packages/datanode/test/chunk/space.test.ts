import { afterEach, describe, expect, test } from "@jest/globals";
import type { ChunkIntake } from "../../src/chunk/chunk-store.js";
import { MemoryContentFiles } from "../support/memory-content-files.js";
import { settle } from "../support/step-clock.js";
import { bytesOf, contentOf, keyOf, never, owner, range, TestStore } from "./fixture.js";

const open: TestStore[] = [];
const mib = 1024 * 1024;

async function start(options: Parameters<typeof TestStore.open>[0] = {}): Promise<TestStore> {
  const store = await TestStore.open(options);
  open.push(store);
  return store;
}

afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close();
});

function zeros(length: number): Uint8Array {
  return new Uint8Array(length);
}

const version = (counter: number) => ({ counter, node: 1, incarnation: 1 });

async function begin(node: TestStore, index: number, size: number): Promise<ChunkIntake> {
  const intake = await node.store.begin(keyOf(1, index), contentOf(zeros(size)), never);
  if (intake === "held") throw new Error("held");
  return intake;
}

describe("the last of the disk", () => {
  test("below 5 % new chunks are refused, reads go on, and room that is made is used again", async () => {
    const node = await start({ files: new MemoryContentFiles({ totalBytes: 10 * mib }), retireAfterMs: 0 });
    let index = 0;
    const refused = async (): Promise<void> => {
      for (; index < 100; index += 1) {
        await node.put(keyOf(1, index), zeros(mib / 2));
        await node.clock.pass(200);
      }
    };
    await expect(refused()).rejects.toMatchObject({ code: "resource_exhausted" });
    expect(index).toBe(18);
    expect(node.files.space().freeBytes).toBeGreaterThan(0.05 * 10 * mib);
    expect((await node.bytes(keyOf(1, 3))).equals(zeros(mib / 2))).toBe(true);
    await node.store.keep(owner, version(1), [range(1, 0, 18)]);
    await node.store.keep(owner, version(2), []);
    expect(node.store.isFull).toBe(false);
    await node.clock.pass(2000);
    expect(await node.put(keyOf(2, 0), zeros(mib / 2))).toBe("stored");
  });

  test("what was promised and is not written counts as used; given back, it does not", async () => {
    const node = await start({ files: new MemoryContentFiles({ totalBytes: 10 * mib }) });
    const first = await begin(node, 0, 4 * mib);
    const second = await begin(node, 1, 4 * mib);
    await expect(begin(node, 2, 2 * mib)).rejects.toMatchObject({ code: "resource_exhausted" });
    await second.discard();
    const third = await begin(node, 2, 2 * mib);
    await Promise.all([first.discard(), third.discard()]);
    expect(node.store.incomingBytes).toBe(0);
    await (await begin(node, 3, 4 * mib)).discard();
  });

  test("isFull says so, and recovers by itself", async () => {
    const files = new MemoryContentFiles({ totalBytes: 10 * mib });
    const node = await start({ files });
    expect(node.store.isFull).toBe(false);
    const stranger = files.create("f");
    await stranger.write(zeros(9.8 * mib));
    await node.clock.pass(200);
    expect(node.store.isFull).toBe(true);
    await stranger.discard();
    await node.clock.pass(200);
    expect(node.store.isFull).toBe(false);
  });

  test("ENOSPC in the middle of a chunk: refused, nothing left, and the node lives on", async () => {
    const files = new MemoryContentFiles({ totalBytes: 10 * mib });
    const node = await start({ files, fullBelow: 0 });
    const intake = await begin(node, 0, 4 * mib);
    await intake.write(zeros(mib));
    const stranger = files.create("f");
    await stranger.write(zeros(8.5 * mib));
    await expect(intake.write(zeros(mib))).rejects.toMatchObject({ code: "resource_exhausted" });
    await intake.discard();
    await stranger.discard();
    expect(node.failures).toEqual([]);
    expect(node.store.incomingBytes).toBe(0);
    expect(await node.put(keyOf(1, 0), zeros(4 * mib))).toBe("stored");
  });

  test("a damaged chunk is repaired also when the disk is nearly full", async () => {
    const files = new MemoryContentFiles({ totalBytes: 10 * mib });
    const node = await start({ files });
    await node.put(keyOf(1, 0), bytesOf(0, 1000));
    files.replace(files.places[0] ?? "", new Uint8Array(0));
    await files.create("f").write(zeros(9.8 * mib));
    await node.clock.pass(200);
    expect(await node.store.verify(keyOf(1, 0))).toBe("damaged");
    const intake = await node.store.replace(keyOf(1, 0), contentOf(bytesOf(0, 1000)), never);
    await intake.write(bytesOf(0, 1000));
    await intake.commit();
    expect(await node.store.verify(keyOf(1, 0))).toBe("intact");
  });
});

describe("room in memory", () => {
  test("32 MiB are on their way in at most; the others wait, and come in when a chunk has arrived", async () => {
    const node = await start();
    const intakes = await Promise.all(Array.from({ length: 8 }, (_, index) => begin(node, index, 4 * mib)));
    expect(node.store.incomingBytes).toBe(32 * mib);
    let ninth: ChunkIntake | undefined;
    const waiting = begin(node, 8, 1000).then((intake) => (ninth = intake));
    await settle();
    expect(ninth).toBeUndefined();
    expect(node.store.waitingIntakes).toBe(1);
    const [first] = intakes;
    await first?.write(zeros(4 * mib));
    await first?.commit();
    await (await waiting).discard();
    for (const intake of intakes.slice(1)) await intake.discard();
    expect([node.store.incomingBytes, node.store.waitingIntakes]).toEqual([0, 0]);
  });

  test("short chunks count as a block at least", async () => {
    const node = await start();
    const intakes = await Promise.all(Array.from({ length: 512 }, (_, index) => begin(node, index, 1)));
    expect(node.store.incomingBytes).toBe(32 * mib);
    for (const intake of intakes) await intake.discard();
  });
});
