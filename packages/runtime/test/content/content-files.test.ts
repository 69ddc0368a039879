import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { ContentFiles } from "@quorumfs/core";
import { type ContentFilesOptions, nodeFileSystem, openContentFiles } from "@quorumfs/runtime";
import { type TemporaryDirectory, temporaryDirectory } from "../temporary-directory.js";
import { contentContract, contentOf, placesOf, publish } from "./content-contract.js";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { smallVolume } from "./small-volume.js";

contentContract("directory", async () => {
  const directory = await temporaryDirectory();
  return { open: () => openContentFiles({ directory: directory.path }), remove: () => directory.remove() };
});

contentContract("directory with tiny shelves", async () => {
  const directory = await temporaryDirectory();
  const options = { directory: directory.path, shelfFilesMax: 3, openFilesMax: 2 };
  return { open: () => openContentFiles(options), remove: () => directory.remove() };
});

interface Opened {
  readonly directory: string;
  readonly files: ContentFiles;
  readonly fileSystem: FaultyFileSystem;
}

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

async function opened(options: Partial<ContentFilesOptions> & { in?: TemporaryDirectory } = {}): Promise<Opened> {
  const directory = options.in ?? (await temporaryDirectory());
  const fileSystem = new FaultyFileSystem(nodeFileSystem);
  const files = openContentFiles({ ...options, directory: directory.path, fileSystem });
  ended.push(async () => {
    await files.close();
    expect(fileSystem.descriptors).toBe(0);
    await directory.remove();
  });
  return { directory: directory.path, files, fileSystem };
}

const hex = (number: number): string => number.toString(16).padStart(4, "0");

describe("directory", () => {
  test("open: a directory is used once at a time", async () => {
    const { directory, files } = await opened();
    expect(() => openContentFiles({ directory })).toThrow(`is in use by process ${process.pid}`);
    await files.close();
    await openContentFiles({ directory }).close();
  });

  test("open: something that is no directory is refused in one line", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory.path, "drafts"), "");
    expect(() => openContentFiles({ directory: directory.path })).toThrow(
      expect.objectContaining({ code: "unavailable", message: expect.stringContaining(directory.path) }),
    );
    await directory.remove();
  });

  test("open: what a crash left of drafts is removed, and what was published stays", async () => {
    const directory = await temporaryDirectory();
    const at = await publishIn(directory.path, "aa", "whole");
    // A crash in mid-write, and one between the final name and the removal of the temporary one.
    await writeFile(join(directory.path, "drafts", "bb.7"), "half");
    await writeFile(join(directory.path, "drafts", "aa.1"), "whole");
    const { files } = await opened({ in: directory });
    expect(await readdir(join(directory.path, "drafts"))).toEqual([]);
    expect(await placesOf(files)).toEqual([at]);
    expect((await contentOf(files, at))?.toString()).toBe("whole");
  });

  test("publish: content before name, name before answer; a new shelf before what is on it", async () => {
    const { directory, files, fileSystem } = await opened();
    const at = await publish(files, "aa", Buffer.from("x"));
    const order = fileSystem.steps
      .filter(({ operation }) => ["makeDirectory", "write", "sync", "link", "syncDirectory"].includes(operation))
      .map(({ operation, path }) => `${operation} ${path.slice(directory.length + 1).replace(/\..*/, "")}`);
    expect(order).toEqual([
      "write drafts/aa",
      "sync drafts/aa",
      "makeDirectory 000000",
      "syncDirectory ",
      `link ${at}`,
      "syncDirectory 000000",
    ]);
    expect(await readdir(join(directory, "drafts"))).toEqual([]);
  });

  test("publish: many at once share the fsyncs of their directory, and few contents are synced at a time", async () => {
    const { files, fileSystem } = await opened({ syncsMax: 4 });
    await publish(files, "ff");
    const directorySyncs = fileSystem.count("syncDirectory");
    let syncing = 0;
    let syncingMost = 0;
    fileSystem.waitWhen(async ({ operation }) => {
      // The first to be ready has its directory synced while all the others become ready, too.
      if (operation === "syncDirectory") await until(() => fileSystem.count("sync") === 401 && syncing === 0);
      if (operation !== "sync") return;
      syncing += 1;
      syncingMost = Math.max(syncingMost, syncing);
      await new Promise((resolve) => setImmediate(resolve));
      syncing -= 1;
    });
    const names = Array.from({ length: 400 }, (_, index) => hex(index));
    await Promise.all(names.map((name) => publish(files, name, Buffer.from(name))));
    expect(syncingMost).toBe(4);
    // The first alone, then all the others, in batches of 256.
    expect(fileSystem.count("syncDirectory") - directorySyncs).toBeLessThanOrEqual(4);
  });

  test("shelves: filled one after the other, gone on with after a reopening, removed when empty", async () => {
    const directory = await temporaryDirectory();
    const first = await opened({ in: directory, shelfFilesMax: 4 });
    const places: string[] = [];
    for (let index = 0; index < 10; index += 1) places.push(await publish(first.files, hex(index)));
    expect(places.map((place) => place.slice(0, 6)).join(" ")).toBe(
      [0, 0, 0, 0, 1, 1, 1, 1, 2, 2].map((shelf) => `00000${shelf}`).join(" "),
    );
    await first.files.remove(places.slice(4, 8));
    expect((await readdir(directory.path)).filter((name) => /^\d/.test(name)).sort()).toEqual(["000000", "000002"]);
    await first.files.close();
    const second = openContentFiles({ directory: directory.path, shelfFilesMax: 4 });
    const more = [await publish(second, "a0"), await publish(second, "a1"), await publish(second, "a2")];
    expect(more.map((place) => place.slice(0, 6))).toEqual(["000002", "000002", "000003"]);
    await second.close();
    await rm(join(directory.path, "000000"), { recursive: true });
    await mkdir(join(directory.path, "000000"));
    await openContentFiles({ directory: directory.path }).close();
    expect((await readdir(directory.path)).filter((name) => /^\d/.test(name)).sort()).toEqual(["000002", "000003"]);
  });

  test("quarantine: bounded, the oldest go first, across restarts", async () => {
    const directory = await temporaryDirectory();
    const kept = async (): Promise<string[]> =>
      (await readdir(join(directory.path, "quarantine"))).map((name) => name.split("-").at(-1) ?? "").sort();
    for (const names of [
      ["a0", "a1", "a2"],
      ["b0", "b1"],
    ]) {
      const files = openContentFiles({ directory: directory.path, quarantineBytesMax: 300 });
      for (const name of names) await files.quarantine(await publish(files, name, Buffer.alloc(100)));
      await files.close();
    }
    expect(await kept()).toEqual(["a2", "b0", "b1"]);
    const files = openContentFiles({ directory: directory.path, quarantineBytesMax: 300 });
    await files.quarantine(await publish(files, "c0", Buffer.alloc(1000, 7)));
    await files.close();
    expect(await kept()).toEqual(["c0"]);
    const [name = ""] = await readdir(join(directory.path, "quarantine"));
    expect(await readFile(join(directory.path, "quarantine", name))).toEqual(Buffer.alloc(1000, 7));
    await directory.remove();
  });

  test("read: as many files stay open as allowed, and none that was removed", async () => {
    const { files, fileSystem } = await opened({ openFilesMax: 5 });
    const places = await Promise.all(
      Array.from({ length: 20 }, (_, index) => publish(files, hex(index), Buffer.from("x"))),
    );
    const idle = fileSystem.descriptors;
    for (const place of places) await contentOf(files, place);
    expect(fileSystem.descriptors - idle).toBe(5);
    const opens = fileSystem.count("open");
    for (const place of places.slice(-5)) await contentOf(files, place);
    expect(fileSystem.count("open")).toBe(opens);
    await files.remove(places);
    expect(fileSystem.descriptors - idle).toBe(0);
  });

  test("read: removed while it is read, it is read to its end, and closed then", async () => {
    const { files, fileSystem } = await opened();
    const at = await publish(files, "aa", Buffer.from("content"));
    const idle = fileSystem.descriptors;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    fileSystem.waitWhen((step) => (step.operation === "read" ? released : undefined));
    const target = Buffer.alloc(7);
    const reading = files.read(at, 0, target);
    await until(() => fileSystem.count("read") === 1);
    await files.remove([at]);
    expect(await files.size(at)).toBeUndefined();
    expect(await files.read(at, 0, Buffer.alloc(1))).toBeUndefined();
    release();
    expect(await reading).toBe(7);
    expect(target.toString()).toBe("content");
    expect(fileSystem.descriptors).toBe(idle);
  });

  test("read: readers and removers of the same files, all at once", async () => {
    const { files } = await opened({ openFilesMax: 3, shelfFilesMax: 8 });
    const names = Array.from({ length: 40 }, (_, index) => hex(index));
    const places = await Promise.all(names.map((name) => publish(files, name, Buffer.from(name))));
    const read = async (place: string): Promise<void> => {
      const content = await contentOf(files, place);
      if (content) expect(content.toString()).toBe(place.slice(7));
    };
    await Promise.all([
      ...Array.from({ length: 400 }, (_, index) => read(places[(index * 7) % 40] ?? "")),
      ...places.map((place) => files.remove([place])),
    ]);
    expect(await placesOf(files)).toEqual([]);
    for (const place of places) expect(await contentOf(files, place)).toBeUndefined();
  });

  test("read: what the disk cannot read is corrupt", async () => {
    const { files, fileSystem } = await opened();
    const at = await publish(files, "aa", Buffer.from("x"));
    fileSystem.failWhen(({ operation }) => (operation === "read" ? "EIO" : undefined));
    await expect(files.read(at, 0, Buffer.alloc(1))).rejects.toMatchObject({ code: "corrupt" });
  });

  test("read: too many open files is no answer about the file, and passes", async () => {
    const { files, fileSystem } = await opened();
    const at = await publish(files, "aa", Buffer.from("x"));
    fileSystem.failWhen(({ operation }) => (operation === "open" ? "EMFILE" : undefined));
    await expect(files.read(at, 0, Buffer.alloc(1))).rejects.toMatchObject({ code: "resource_exhausted" });
    fileSystem.failWhen(() => undefined);
    expect(await files.read(at, 0, Buffer.alloc(1))).toBe(1);
  });

  test.each([
    ["a content", "sync"],
    ["its directory", "syncDirectory"],
  ] as const)("publish: a failed fsync of %s is the end, for all that come later, too", async (_what, operation) => {
    const { files, fileSystem } = await opened();
    const before = await publish(files, "aa", Buffer.from("before"));
    const open = files.create("bb");
    await open.write(Buffer.from("open"));
    fileSystem.failWhen((step) => (step.operation === operation ? "EIO" : undefined));
    const failed = await Promise.allSettled(["c1", "c2", "c3"].map((name) => publish(files, name, Buffer.from(name))));
    fileSystem.failWhen(() => undefined);
    for (const result of failed) {
      expect(result).toMatchObject({ status: "rejected", reason: expect.objectContaining({ code: "internal" }) });
    }
    await expect(publish(files, "dd")).rejects.toMatchObject({ code: "internal" });
    await expect(open.write(Buffer.from("more"))).rejects.toMatchObject({ code: "internal" });
    await expect(open.publish()).rejects.toMatchObject({ code: "internal" });
    await open.discard();
    expect((await contentOf(files, before))?.toString()).toBe("before");
  });

  test("publish: who was synced before another's failure is told of it, too", async () => {
    const { files, fileSystem } = await opened();
    await publish(files, "aa");
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    fileSystem.waitWhen((step) => (step.operation === "syncDirectory" ? released : undefined));
    const waiting = publish(files, "bb", Buffer.from("x"));
    await until(() => fileSystem.steps.at(-1)?.operation === "syncDirectory");
    fileSystem.failWhen((step) => (step.operation === "sync" ? "EIO" : undefined));
    await expect(publish(files, "cc", Buffer.from("x"))).rejects.toMatchObject({ code: "internal" });
    release();
    await expect(waiting).rejects.toMatchObject({ code: "internal" });
  });

  test.each([
    ["write", "ENOSPC"],
    ["write", "EDQUOT"],
    ["write", "EFBIG"],
    ["create", "ENOSPC"],
    ["create", "EMFILE"],
    ["link", "ENOSPC"],
    ["makeDirectory", "ENOSPC"],
  ] as const)("full: %s fails with %s, and later the disk is used as before", async (operation, code) => {
    const { directory, files, fileSystem } = await opened({ shelfFilesMax: 1 });
    await publish(files, "aa", Buffer.from("x"));
    fileSystem.failWhen((step) => (step.operation === operation ? code : undefined));
    const draft = files.create("bb");
    const attempt = draft.write(Buffer.from("x")).then(() => draft.publish());
    await expect(attempt).rejects.toMatchObject({ code: "resource_exhausted" });
    await draft.discard();
    fileSystem.failWhen(() => undefined);
    const at = await publish(files, "bb", Buffer.from("whole"));
    expect((await contentOf(files, at))?.toString()).toBe("whole");
    expect(await placesOf(files)).toHaveLength(2);
    expect(await readdir(join(directory, "drafts"))).toEqual([]);
  });

  test("full: a draft with a gap is not published, even when there is room again", async () => {
    const { directory, files, fileSystem } = await opened();
    const draft = files.create("aa");
    await draft.write(Buffer.from("first"));
    fileSystem.failWhen((step) => (step.operation === "write" ? "ENOSPC" : undefined));
    await expect(draft.write(Buffer.from("second"))).rejects.toMatchObject({ code: "resource_exhausted" });
    fileSystem.failWhen(() => undefined);
    await expect(draft.write(Buffer.from("third"))).rejects.toMatchObject({ code: "resource_exhausted" });
    await expect(draft.publish()).rejects.toMatchObject({ code: "resource_exhausted" });
    await draft.discard();
    expect(await placesOf(files)).toEqual([]);
    expect(await readdir(join(directory, "drafts"))).toEqual([]);
  });

  test("full: a real volume of 4 MiB refuses, forgets the draft, and takes again what fits", async () => {
    const volume = smallVolume({ bytes: 4 * 2 ** 20 });
    if (!volume) {
      console.warn("SKIPPED: a full disk. This needs the right to mount a tmpfs.");
      return;
    }
    const files = openContentFiles({ directory: join(volume.path, "chunks") });
    try {
      const mebibyte = Buffer.alloc(2 ** 20, 5);
      const places: string[] = [];
      const draft = files.create("ff");
      await draft.write(mebibyte);
      await expect(
        (async () => {
          for (let index = 0; index < 8; index += 1) places.push(await publish(files, hex(index), mebibyte));
        })(),
      ).rejects.toMatchObject({ code: "resource_exhausted" });
      expect(places.length).toBeGreaterThanOrEqual(1);
      expect(files.space().freeBytes).toBeLessThan(2 ** 20);
      await draft.discard();
      const at = await publish(files, "ee", mebibyte.subarray(0, 2 ** 19));
      await files.remove(places.slice(0, 1));
      expect(files.space().freeBytes).toBeGreaterThan(2 ** 20);
      for (const place of [...places.slice(1), at])
        expect((await contentOf(files, place))?.every((byte) => byte === 5)).toBe(true);
      expect((await placesOf(files)).length).toBe(places.length);
    } finally {
      await files.close();
      volume.remove();
    }
  });

  test("close: waits for what is under way, drops drafts, and refuses what comes later", async () => {
    const { directory, files } = await opened();
    const running = publish(files, "aa", Buffer.alloc(100_000));
    const draft = files.create("bb");
    await draft.write(Buffer.from("x"));
    await until(async () => (await readdir(join(directory, "drafts"))).length === 2);
    const publishing = running.catch(() => undefined);
    await files.close();
    await publishing;
    expect(await readdir(join(directory, "drafts"))).toEqual([]);
    await expect(files.create("cc").write(Buffer.from("x"))).rejects.toMatchObject({ code: "unavailable" });
    await expect(files.read("000000/aa", 0, Buffer.alloc(1))).rejects.toMatchObject({ code: "unavailable" });
  });
});

async function publishIn(directory: string, name: string, content: string): Promise<string> {
  const files = openContentFiles({ directory });
  const at = await publish(files, name, Buffer.from(content));
  await files.close();
  return at;
}

/** Lets the event loop turn until something holds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
