import { afterEach, describe, expect, test } from "@jest/globals";
import { blockBytes, bucketId } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import fc from "fast-check";
import { bytesOf, contentOf, keyOf, never, owner, range, TestStore } from "./fixture.js";
import { settle } from "../support/step-clock.js";

const open: TestStore[] = [];

async function start(options: Parameters<typeof TestStore.open>[0] = {}): Promise<TestStore> {
  const store = await TestStore.open(options);
  open.push(store);
  return store;
}

afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close();
});

describe("store and read", () => {
  test.each([1, 100, blockBytes - 1, blockBytes, blockBytes + 1, 4 * blockBytes, 1_000_001, 4 * 1024 * 1024])(
    "a chunk of %i bytes comes back as it was",
    async (size) => {
      const node = await start();
      const bytes = bytesOf(size, size);
      expect(await node.put(keyOf(1, 0), bytes)).toBe("stored");
      expect((await node.bytes(keyOf(1, 0))).equals(bytes)).toBe(true);
      expect(await node.store.stat(owner, [range(1, 0, 2)])).toEqual([contentOf(bytes), undefined]);
      expect(await node.store.verify(keyOf(1, 0))).toBe("intact");
      expect(node.store.usage()).toMatchObject({ chunks: 1, bytes: size, uploadingBytes: size, reclaimableBytes: 0 });
    },
  );

  test("writes of any length make the same file", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300_000 }),
        fc.integer({ min: 1, max: 90_000 }),
        async (size, step) => {
          const node = await start();
          const bytes = bytesOf(size, size);
          await node.put(keyOf(1, 7), bytes, step);
          expect((await node.bytes(keyOf(1, 7))).equals(bytes)).toBe(true);
          expect(await node.store.verify(keyOf(1, 7))).toBe("intact");
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a range: the whole blocks that it touches, with their checksums", async () => {
    const size = 10 * blockBytes + 5;
    const node = await start();
    const bytes = bytesOf(1, size);
    await node.put(keyOf(1, 0), bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(size + 100), async (offset, length) => {
        const pieces = await node.pieces(keyOf(1, 0), offset, length);
        const end = length === 0 ? size : Math.min(size, offset + length);
        const first = offset - (offset % blockBytes);
        const last = Math.min(size, Math.ceil(end / blockBytes) * blockBytes);
        expect(Buffer.concat(pieces.map(({ data }) => data)).equals(bytes.subarray(first, last))).toBe(true);
        let at = first;
        for (const piece of pieces) {
          expect(piece.offset).toBe(at);
          expect(piece.data.length).toBeLessThanOrEqual(4 * blockBytes);
          const blocks = Array.from({ length: Math.ceil(piece.data.length / blockBytes) }, (_, block) =>
            crc32c(piece.data.subarray(block * blockBytes, (block + 1) * blockBytes)),
          );
          expect(piece.checksums).toEqual(blocks);
          at += piece.data.length;
        }
      }),
      { numRuns: 60 },
    );
    await expect(node.pieces(keyOf(1, 0), size)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(node.pieces(keyOf(1, 1))).rejects.toMatchObject({ code: "not_found" });
  });

  test("chunks of different files, uploads and indices are different chunks", async () => {
    const node = await start();
    const keys = [keyOf(1, 0), keyOf(1, 1), keyOf(2, 0), keyOf(1, 0, { ...owner, path: "films/a.mkv2" })];
    keys.push(keyOf(1, 0, { bucket: bucketId(2), path: owner.path }), keyOf(1, 0xffff_ffff), keyOf(255, 0xffff_ffff));
    for (const [index, key] of keys.entries()) await node.put(key, bytesOf(index, 1000 + index));
    for (const [index, key] of keys.entries())
      expect((await node.bytes(key)).equals(bytesOf(index, 1000 + index))).toBe(true);
    expect(node.store.usage().chunks).toBe(keys.length);
    expect(await node.store.stat(owner, [range(1, 0xffff_ffff, 1)])).toMatchObject([{ size: 1005 }]);
  });

  test("what is durable already is not sent again; other bytes under its name are refused", async () => {
    const node = await start();
    await node.put(keyOf(1, 0), bytesOf(1, 5000));
    expect(await node.put(keyOf(1, 0), bytesOf(1, 5000))).toBe("held");
    await expect(node.put(keyOf(1, 0), bytesOf(2, 5000))).rejects.toMatchObject({ code: "invalid_argument" });
    expect((await node.bytes(keyOf(1, 0))).equals(bytesOf(1, 5000))).toBe(true);
  });

  test("two send the same chunk at the same time: both are told that it is stored, and one file is left", async () => {
    const node = await start();
    const bytes = bytesOf(1, 300_000);
    const both = await Promise.all([1, 2].map(() => node.store.begin(keyOf(1, 0), contentOf(bytes), never)));
    for (const intake of both) if (intake !== "held") await intake.write(bytes);
    await Promise.all(both.map(async (intake) => intake !== "held" && (await intake.commit())));
    expect(node.files.places).toHaveLength(1);
    expect((await node.bytes(keyOf(1, 0))).equals(bytes)).toBe(true);
    expect(node.store.usage()).toMatchObject({ chunks: 1, bytes: 300_000, uploadingBytes: 300_000 });
  });

  test.each([
    ["a checksum that lies", 5000, { checksum: 1 }, 5000, "corrupt"],
    ["too few bytes", 5000, {}, 4999, "corrupt"],
    ["too many bytes", 5000, {}, 5001, "invalid_argument"],
  ])("%s: refused, and nothing is left", async (_, size, change, sent, code) => {
    const node = await start();
    const content = { ...contentOf(bytesOf(1, size)), ...change };
    const intake = await node.store.begin(keyOf(1, 0), content, never);
    if (intake === "held") throw new Error("held");
    const attempt = intake.write(bytesOf(1, sent)).then(() => intake.commit());
    await expect(attempt).rejects.toMatchObject({ code });
    await intake.discard();
    expect(await node.isHere(keyOf(1, 0))).toBe(false);
    expect(node.files.places).toEqual([]);
    expect(node.store.incomingBytes).toBe(0);
    expect(node.failures).toEqual([]);
  });

  test("a chunk has 1 byte to 4 MiB, and a question is about 65,536 of them", async () => {
    const node = await start();
    for (const size of [0, 4 * 1024 * 1024 + 1]) {
      await expect(node.store.begin(keyOf(1, 0), { size, checksum: 0 }, never)).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    await expect(node.store.stat(owner, [range(1, 0, 65_537)])).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await node.store.stat(owner, [range(1, 0, 65_536)])).toHaveLength(65_536);
  });
});

describe("durability", () => {
  test("not stored before file and row are durable; a crash before the row leaves a file that goes", async () => {
    const node = await start();
    const intake = await node.store.begin(keyOf(1, 0), contentOf(bytesOf(1, 1000)), never);
    if (intake === "held") throw new Error("held");
    await intake.write(bytesOf(1, 1000));
    node.disk.hold();
    let stored = false;
    const committed = intake.commit().then(() => (stored = true));
    await settle();
    expect(stored).toBe(false);
    expect(node.files.places).toHaveLength(1);

    const crashed = node.disk.crash();
    const after = await start({ disk: crashed, files: node.files, clock: node.clock });
    expect(await after.isHere(keyOf(1, 0))).toBe(false);
    await after.clock.pass(11_000);
    expect(node.files.places).toEqual([]);
    node.disk.release();
    await committed;
  });

  test("a chunk whose row is not durable yet is not said to be here", async () => {
    const node = await start();
    const intake = await node.store.begin(keyOf(1, 0), contentOf(bytesOf(1, 1000)), never);
    if (intake === "held") throw new Error("held");
    await intake.write(bytesOf(1, 1000));
    node.disk.hold();
    const committed = intake.commit();
    await settle();
    const answers: unknown[] = [];
    const asked = [
      node.store.stat(owner, [range(1, 0, 1)]).then((found) => answers.push(found)),
      node.store.renew(owner, [range(1, 0, 1)]).then(() => answers.push("renewed")),
      node.store.begin(keyOf(1, 0), contentOf(bytesOf(1, 1000)), never).then((held) => answers.push(held)),
    ];
    await settle();
    expect(answers).toEqual([]);
    node.disk.release();
    await Promise.all([committed, ...asked]);
    expect(answers).toContainEqual([contentOf(bytesOf(1, 1000))]);
    expect(answers).toContain("held");
  });

  test("what is here is not said any more once the disk has failed", async () => {
    const node = await start();
    await node.put(keyOf(1, 0), bytesOf(1, 1000));
    node.disk.fail("EIO");
    await expect(node.put(keyOf(1, 1), bytesOf(1, 1000))).rejects.toMatchObject({ code: "unavailable" });
    await expect(node.store.stat(owner, [range(1, 0, 2)])).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a start finds what is there, and removes only what has no row", async () => {
    const node = await start();
    for (let index = 0; index < 5; index += 1) await node.put(keyOf(1, index), bytesOf(index, 1000));
    const stray = node.files.create("abc");
    await stray.write(bytesOf(9, 10));
    await stray.publish();
    const usage = node.store.usage();
    const again = await node.restart(node.disk.crash());
    open.push(again);
    expect(again.store.usage()).toEqual(usage);
    await again.clock.pass(11_000);
    expect(again.files.places).toHaveLength(5);
    for (let index = 0; index < 5; index += 1) expect(await again.store.verify(keyOf(1, index))).toBe("intact");
  });

  test("a chunk that is published while leftovers are looked for is not one", async () => {
    const node = await start();
    const intake = await node.store.begin(keyOf(1, 0), contentOf(bytesOf(1, 1000)), never);
    if (intake === "held") throw new Error("held");
    await intake.write(bytesOf(1, 1000));
    node.disk.hold();
    const committed = intake.commit();
    await node.clock.pass(11_000);
    node.disk.release();
    await committed;
    await node.clock.pass(1000);
    expect(await node.store.verify(keyOf(1, 0))).toBe("intact");
  });

  test("a failed fsync: nothing is acknowledged any more, and the process is told to go", async () => {
    const node = await start();
    await node.put(keyOf(1, 0), bytesOf(1, 1000));
    node.files.fail();
    await expect(node.put(keyOf(1, 1), bytesOf(2, 1000))).rejects.toMatchObject({ code: "unavailable" });
    expect(node.failures).toHaveLength(1);
    await expect(node.put(keyOf(1, 2), bytesOf(2, 1000))).rejects.toMatchObject({ code: "unavailable" });
    await expect(node.store.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [])).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(node.failures).toHaveLength(1);
    // What it has, it can still show.
    expect(await node.store.verify(keyOf(1, 0))).toBe("intact");
  });

  test("rows that cannot be written: the same", async () => {
    const node = await start();
    node.disk.fail("EIO");
    await expect(node.put(keyOf(1, 0), bytesOf(1, 1000))).rejects.toMatchObject({ code: "unavailable" });
    expect(node.failures).toHaveLength(1);
    await expect(node.isHere(keyOf(1, 0))).rejects.toMatchObject({ code: "unavailable" });
  });

  test("close waits for what is being made durable, and drops what is not complete", async () => {
    const node = await start();
    const whole = await node.store.begin(keyOf(1, 0), contentOf(bytesOf(1, 1000)), never);
    const half = await node.store.begin(keyOf(1, 1), contentOf(bytesOf(2, 1000)), never);
    if (whole === "held" || half === "held") throw new Error("held");
    await whole.write(bytesOf(1, 1000));
    await half.write(bytesOf(2, 500));
    node.disk.hold();
    const committed = whole.commit();
    await settle();
    let closed = false;
    const closing = node.store.close().then(() => (closed = true));
    await settle();
    expect(closed).toBe(false);
    node.disk.release();
    await Promise.all([committed, closing]);
    await expect(half.write(bytesOf(2, 500))).rejects.toMatchObject({ code: "cancelled" });
    await expect(node.store.begin(keyOf(1, 2), contentOf(bytesOf(1, 10)), never)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(node.files.places).toHaveLength(1);
  });
});

describe("walks", () => {
  test("entries and owners come in order, and go on behind any of them", async () => {
    const node = await start();
    const owners = ["a", "a/b", "ab", "b"].map((path) => ({ ...owner, path }));
    for (const of of owners)
      for (let index = 0; index < 40; index += 1) await node.put(keyOf(1, index, of), bytesOf(index, 10));
    const all = [];
    for await (const entry of node.store.entries()) all.push(entry);
    expect(all.map(({ key }) => `${key.owner.path} ${key.index}`)).toEqual(
      owners.flatMap(({ path }) => Array.from({ length: 40 }, (_, index) => `${path} ${index}`)),
    );
    expect(all[0]).toMatchObject({ key: keyOf(1, 0, owners[0]), content: contentOf(bytesOf(0, 10)) });
    const rest = [];
    for await (const entry of node.store.entries(all[100]?.position)) rest.push(entry);
    expect(rest).toEqual(all.slice(101));
    const found = [];
    for await (const of of node.store.owners()) found.push(of);
    expect(found).toEqual(owners);
    const behind = [];
    for await (const of of node.store.owners(owners[1])) behind.push(of);
    expect(behind).toEqual(owners.slice(2));
  });

  test("uploads whose lease is over are named until they are seen to", async () => {
    const leaseMs = 120_000;
    const node = await start({ leaseMs });
    await node.put(keyOf(1, 0), bytesOf(1, 1000));
    const lapsed = async () => {
      const found = [];
      for await (const upload of node.store.lapsedUploads()) found.push(upload.owner);
      return found;
    };
    await node.clock.pass(leaseMs - 2000);
    expect(await lapsed()).toEqual([]);
    await node.store.renew(owner, [range(1, 0, 1)]);
    await node.clock.pass(leaseMs - 2000);
    expect(await lapsed()).toEqual([]);
    await node.clock.pass(42_000);
    expect(await lapsed()).toEqual([owner]);
    expect(node.store.usage()).toMatchObject({ uploadingBytes: 0, reclaimableBytes: 1000 });
    await node.store.keep(owner, { counter: 0, node: 0, incarnation: 0 }, [], { afterIdentityRound: true });
    expect(await lapsed()).toEqual([]);
    expect(node.store.usage()).toMatchObject({ uploadingBytes: 0, reclaimableBytes: 1000 });
  });
});
