import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ContentFiles, Disk } from "@quorumfs/core";
import { openContentFiles, openLmdbDisk, silentLog, systemRandom } from "@quorumfs/runtime";
import { ChunkStore } from "../../src/chunk/chunk-store.js";
import { StepClock } from "../support/step-clock.js";
import { bytesOf, contentOf, keyOf, never, owner, range } from "./fixture.js";

const clock = new StepClock();
let directory = "";
let opened: { readonly disk: Disk; readonly files: ContentFiles; readonly store: ChunkStore } | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quorumfs-chunk-store-"));
});

afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true, force: true });
});

async function close(): Promise<void> {
  await opened?.store.close();
  await Promise.all([opened?.disk.close(), opened?.files.close()]);
  opened = undefined;
}

async function open(): Promise<ChunkStore> {
  await close();
  const disk = openLmdbDisk({ directory: join(directory, "records") });
  const files = openContentFiles({ directory: join(directory, "chunks") });
  const store = await ChunkStore.open({
    disk,
    files,
    clock,
    random: systemRandom(),
    log: silentLog,
    belongsHere: () => true,
    leaseMs: 3_600_000,
    retireAfterMs: 1000,
    fullBelow: 0,
    onDiskFailure: (error) => {
      throw error;
    },
  });
  opened = { disk, files, store };
  return store;
}

function filesOnDisk(): readonly string[] {
  const names = readdirSync(join(directory, "chunks"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => /^\d+[/\\][0-9a-f]+$/.test(name));
}

async function put(store: ChunkStore, upload: number, index: number, bytes: Uint8Array): Promise<void> {
  const intake = await store.begin(keyOf(upload, index), contentOf(bytes), never);
  if (intake === "held") return;
  for (let at = 0; at < bytes.length; at += 50_000) await intake.write(bytes.subarray(at, at + 50_000));
  await intake.commit();
}

/** Waits for what a timer has set going on a real disk. */
async function until(what: string, condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    if (condition()) return;
    await clock.pass(1000);
  }
  throw new Error(`never: ${what}`);
}

test("chunks on a real disk: stored side by side, there after a start, overwritten, gone with their files", async () => {
  const first = await open();
  const sizes = Array.from({ length: 60 }, (_, index) => 1 + index * 5000);
  await Promise.all(sizes.map((size, index) => put(first, 1, index, bytesOf(index, size))));
  expect(filesOnDisk()).toHaveLength(60);
  const usage = first.usage();

  const second = await open();
  expect(second.usage()).toEqual(usage);
  for (const [index, size] of sizes.entries()) {
    const pieces: Uint8Array[] = [];
    for await (const { data } of second.read(keyOf(1, index), { offset: 0, length: 0 })) pieces.push(data);
    expect(Buffer.concat(pieces).equals(bytesOf(index, size))).toBe(true);
  }
  await second.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [range(1, 0, 60)]);
  await put(second, 2, 0, bytesOf(99, 100));
  await second.keep(owner, { counter: 2, node: 1, incarnation: 1 }, [range(2, 0, 1)]);
  await until("the old version went", () => second.usage().chunks === 1 && filesOnDisk().length === 1);

  const third = await open();
  expect(third.usage()).toEqual({ chunks: 1, bytes: 100, reclaimableBytes: 0, uploadingBytes: 0 });
  expect(await third.verify(keyOf(2, 0))).toBe("intact");
});

test("a file without a row is removed after a start", async () => {
  await open();
  const draft = opened?.files.create("ab12");
  await draft?.write(bytesOf(1, 1000));
  await draft?.publish();
  expect(filesOnDisk()).toHaveLength(1);
  const store = await open();
  await put(store, 1, 0, bytesOf(1, 1000));
  await until("the stranger went", () => filesOnDisk().length === 1);
  expect(await store.verify(keyOf(1, 0))).toBe("intact");
});
