import { afterEach, describe, expect, test } from "@jest/globals";
import { blockBytes } from "@quorumfs/core";
import fc from "fast-check";
import { chunkKeyBytes, ownerKeyBytes, uploadKeyBytes } from "../../src/chunk/chunk-key.js";
import { bytesOf, contentOf, keyOf, never, owner, range, TestStore, uploadId } from "./fixture.js";

const open: TestStore[] = [];

async function start(options: Parameters<typeof TestStore.open>[0] = {}): Promise<TestStore> {
  const store = await TestStore.open(options);
  open.push(store);
  return store;
}

afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close();
});

const size = 3 * blockBytes + 1000;
const bytes = bytesOf(1, size);
const key = keyOf(1, 0);

async function startWithChunk(): Promise<{ readonly node: TestStore; readonly place: string }> {
  const node = await start();
  await node.put(key, bytes);
  return { node, place: node.files.places[0] ?? "" };
}

async function repair(node: TestStore): Promise<void> {
  const intake = await node.store.replace(key, contentOf(bytes), never);
  await intake.write(bytes);
  await intake.commit();
}

describe("damaged files", () => {
  test("one flipped bit anywhere: no wrong byte is served, and it is told", async () => {
    const { node, place } = await startWithChunk();
    const file = node.files.bytesAt(place);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length * 8 - 1), async (bit) => {
        const at = Math.floor(bit / 8);
        // As after a start: nothing of the file is remembered.
        const fresh = await TestStore.open({ disk: node.disk, files: node.files, clock: node.clock });
        file[at] = (file[at] ?? 0) ^ (1 << (bit % 8));
        try {
          await expect(fresh.bytes(key)).rejects.toMatchObject({ code: "corrupt" });
          expect(fresh.damaged).toEqual([key]);
          expect(await fresh.store.verify(key)).toBe("damaged");
          expect(await fresh.isHere(key)).toBe(false);
        } finally {
          file[at] = (file[at] ?? 0) ^ (1 << (bit % 8));
          await fresh.store.close();
        }
      }),
      { numRuns: 60 },
    );
    expect(await node.store.verify(key)).toBe("intact");
  });

  test("a read of other blocks than the damaged one goes well", async () => {
    const { node, place } = await startWithChunk();
    const file = node.files.bytesAt(place);
    file[blockBytes + 5] = (file[blockBytes + 5] ?? 0) ^ 1;
    const pieces = await node.pieces(key, 2 * blockBytes, 0);
    expect(Buffer.concat(pieces.map(({ data }) => data)).equals(bytes.subarray(2 * blockBytes))).toBe(true);
    await expect(node.pieces(key, blockBytes, 1)).rejects.toMatchObject({ code: "corrupt" });
  });

  test.each<[string, (node: TestStore, place: string) => void | Promise<void>]>([
    ["cut", (node, place) => node.files.replace(place, node.files.bytesAt(place).slice(0, -1))],
    ["longer", (node, place) => node.files.replace(place, Buffer.concat([node.files.bytesAt(place), Buffer.of(0)]))],
    ["empty", (node, place) => node.files.replace(place, new Uint8Array(0))],
    ["gone", (node, place) => node.files.remove([place])],
    [
      "another chunk's, of the same size",
      async (node, place) => {
        await node.put(keyOf(1, 1), bytesOf(2, size));
        node.files.replace(place, node.files.bytesAt(node.files.places[1] ?? ""));
      },
    ],
    [
      "the same upload's next chunk with the same bytes",
      async (node, place) => {
        await node.put(keyOf(1, 1), bytes);
        node.files.replace(place, node.files.bytesAt(node.files.places[1] ?? ""));
      },
    ],
  ])("%s: told, replaced by a good copy, and served again", async (_, damage) => {
    const { node, place } = await startWithChunk();
    await damage(node, place);
    expect(await node.store.verify(key)).toBe("damaged");
    await expect(node.bytes(key)).rejects.toMatchObject({ code: "corrupt" });
    expect(node.damaged.length).toBeGreaterThan(0);
    const usage = node.store.usage();
    await repair(node);
    expect(await node.store.verify(key)).toBe("intact");
    expect((await node.bytes(key)).equals(bytes)).toBe(true);
    expect(await node.isHere(key)).toBe(true);
    expect(node.store.usage()).toEqual(usage);
    expect(node.files.places).not.toContain(place);
    // And so it is after a start.
    const again = await node.restart(node.disk.crash());
    open.push(again);
    expect(await again.store.verify(key)).toBe("intact");
  });

  test("the damaged file goes into quarantine", async () => {
    const { node, place } = await startWithChunk();
    const file = node.files.bytesAt(place);
    file[0] = (file[0] ?? 0) ^ 1;
    expect(await node.store.verify(key)).toBe("damaged");
    await repair(node);
    expect([...node.files.quarantined.keys()]).toEqual([place]);
  });

  test("a client that sends a damaged chunk again repairs it", async () => {
    const { node, place } = await startWithChunk();
    const file = node.files.bytesAt(place);
    file[0] = (file[0] ?? 0) ^ 1;
    await expect(node.bytes(key)).rejects.toMatchObject({ code: "corrupt" });
    expect(await node.put(key, bytes)).toBe("stored");
    expect((await node.bytes(key)).equals(bytes)).toBe(true);
    expect(node.files.places).toHaveLength(1);
    expect(node.store.usage()).toMatchObject({ chunks: 1, bytes: size, uploadingBytes: size });
  });

  test("a copy that is not read back as it was written is no repair", async () => {
    const { node, place } = await startWithChunk();
    node.files.replace(place, new Uint8Array(0));
    expect(await node.store.verify(key)).toBe("damaged");
    const intake = await node.store.replace(key, contentOf(bytes), never);
    await intake.write(bytes);
    const readAsWritten = node.files.read.bind(node.files);
    node.files.read = async (from, offset, target) => {
      const length = await readAsWritten(from, offset, target);
      target[0] = (target[0] ?? 0) ^ 1;
      return length;
    };
    await expect(intake.commit()).rejects.toMatchObject({ code: "corrupt" });
    node.files.read = readAsWritten;
    expect(await node.isHere(key)).toBe(false);
    await repair(node);
    expect(await node.store.verify(key)).toBe("intact");
  });

  test.each(["replaced by a better copy", "let go"])(
    "a read during which its file is %s: no false alarm",
    async (what) => {
      const { node, place } = await startWithChunk();
      const readAsIs = node.files.read.bind(node.files);
      let letGo: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (letGo = resolve));
      node.files.read = async (from, offset, target) => {
        if (from === place) await held;
        return readAsIs(from, offset, target);
      };
      const reading = node.bytes(key);
      const verifying = node.store.verify(key);
      if (what === "let go") {
        await node.store.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [range(1, 0, 1)]);
        await node.store.keep(owner, { counter: 2, node: 1, incarnation: 1 }, []);
        await node.clock.pass(1_300_000);
      } else {
        await repair(node);
      }
      expect(node.files.places).not.toContain(place);
      letGo();
      if (what === "let go") await expect(reading).rejects.toMatchObject({ code: "not_found" });
      else expect((await reading).equals(bytes)).toBe(true);
      expect(await verifying).toBe(what === "let go" ? "gone" : "intact");
      expect(node.damaged).toEqual([]);
    },
  );

  test("a chunk that nobody needs any more is not put back", async () => {
    const node = await start();
    await repair(node);
    expect(await node.store.verify(key)).toBe("gone");
    expect(node.files.places).toEqual([]);
    expect(node.store.usage()).toMatchObject({ chunks: 0, bytes: 0 });
  });
});

/** Flips one bit of a row where it lies. */
function flipRow(node: TestStore, table: string, rowKey: Uint8Array, at: number): void {
  const row = node.disk.table(table).get(rowKey);
  if (!row) throw new Error(`no row in ${table}`);
  row[at] = (row[at] ?? 0) ^ 4;
  node.disk.table(table).put(rowKey, row);
}

describe("damaged rows", () => {
  test("of a chunk: damaged, never wrong; known to a scrub; repaired with all its accounts", async () => {
    for (let at = 0; at < 40; at += 3) {
      const { node } = await startWithChunk();
      flipRow(node, "chunks", chunkKeyBytes(key), at);
      const again = await node.restart();
      open.push(again);
      await expect(again.bytes(key)).rejects.toMatchObject({ code: "corrupt" });
      expect(again.damaged).toEqual([key]);
      expect(await again.store.verify(key)).toBe("damaged");
      expect(await again.isHere(key)).toBe(false);
      const entries = [];
      for await (const entry of again.store.entries()) entries.push(entry);
      expect(entries).toMatchObject([{ key, content: undefined }]);
      await repair(again);
      expect(await again.store.verify(key)).toBe("intact");
      expect(again.store.usage()).toMatchObject({ chunks: 1, bytes: size });
      const once = await again.restart();
      open.push(once);
      await once.clock.pass(11_000);
      // The file that the damaged row meant has no row now.
      expect(once.files.places).toHaveLength(1);
      expect(await once.store.verify(key)).toBe("intact");
    }
  });

  test("of a leased upload: its lease begins anew", async () => {
    const leaseMs = 60_000;
    const node = await start({ leaseMs });
    await node.put(key, bytes);
    await node.put(keyOf(1, 1), bytes);
    await node.clock.pass(leaseMs);
    flipRow(node, "chunk-leases", uploadKeyBytes(owner, uploadId(1)), 5);
    // It cannot be read, so it is asked about; but nothing goes before its time.
    const lapsed = [];
    for await (const upload of node.store.lapsedUploads()) lapsed.push(upload.owner);
    expect(lapsed).toEqual([owner]);
    await node.store.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [], { afterIdentityRound: true });
    expect(await node.isHere(key)).toBe(true);
    await node.clock.pass(leaseMs);
    await node.store.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [], { afterIdentityRound: true });
    expect(await node.isHere(key)).toBe(false);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: 2 * size });
  });

  test("of a named upload: nothing goes before a lease is over", async () => {
    const node = await start();
    await node.put(key, bytes);
    await node.store.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [range(1, 0, 1)]);
    flipRow(node, "chunk-kept", uploadKeyBytes(owner, uploadId(1)), 1);
    await node.store.keep(owner, { counter: 2, node: 1, incarnation: 1 }, []);
    expect(await node.isHere(key)).toBe(true);
    await node.store.keep(owner, { counter: 3, node: 1, incarnation: 1 }, [range(1, 0, 1)]);
    await node.store.keep(owner, { counter: 4, node: 1, incarnation: 1 }, []);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: size });
  });

  test("of a file, lost: no notice is heeded either", async () => {
    const node = await start();
    await node.put(key, bytes);
    await node.store.keep(owner, { counter: 5, node: 1, incarnation: 1 }, [range(1, 0, 1)]);
    node.disk.table("chunk-owners").rows = [];
    await node.store.keep(owner, { counter: 4, node: 1, incarnation: 1 }, []);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: 0 });
    await node.store.keep(owner, { counter: 5, node: 1, incarnation: 1 }, [range(1, 0, 1)], {
      afterIdentityRound: true,
    });
    await node.store.keep(owner, { counter: 4, node: 1, incarnation: 1 }, []);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: 0 });
    await node.store.keep(owner, { counter: 6, node: 1, incarnation: 1 }, []);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: size });
  });

  test("of a file: no notice is heeded until an identity round says what it needs", async () => {
    const node = await start();
    await node.put(key, bytes);
    await node.put(keyOf(2, 0), bytes);
    await node.store.keep(owner, { counter: 5, node: 1, incarnation: 1 }, [range(1, 0, 1), range(2, 0, 1)]);
    flipRow(node, "chunk-owners", ownerKeyBytes(owner), 6);
    await node.store.keep(owner, { counter: 4, node: 1, incarnation: 1 }, []);
    await node.store.keep(owner, { counter: 6, node: 1, incarnation: 1 }, []);
    expect(await node.isHere(key)).toBe(true);
    const doubtful = [];
    for await (const upload of node.store.lapsedUploads()) doubtful.push(upload.owner);
    expect(doubtful).toEqual([owner]);
    await node.store.keep(owner, { counter: 6, node: 1, incarnation: 1 }, [range(2, 0, 1)], {
      afterIdentityRound: true,
    });
    expect(node.store.usage()).toMatchObject({ chunks: 2, reclaimableBytes: size });
    for await (const upload of node.store.lapsedUploads()) throw new Error(`still in doubt: ${upload.owner.path}`);
  });

  test("of a file's place, or lost: the file says itself whose it is, and stays", async () => {
    const node = await start();
    for (const index of [0, 1, 2]) await node.put(keyOf(1, index), bytes);
    const table = node.disk.table("chunk-places");
    const [first, second] = table.rows;
    if (!first || !second) throw new Error("no rows");
    table.put(first.key, undefined);
    second.value[6] = (second.value[6] ?? 0) ^ 1;
    const again = await node.restart();
    open.push(again);
    await again.clock.pass(11_000);
    expect(again.files.places).toHaveLength(3);
    for (const index of [0, 1, 2]) expect(await again.store.verify(keyOf(1, index))).toBe("intact");
    const places = table.rows.map(({ key, value }) => [key.toString(), value.toString("hex")]);
    expect(places.sort()).toEqual(
      again.files.places
        .map((place) => [place, chunkKeyBytes(keyOf(1, again.files.places.indexOf(place))).toString("hex")])
        .sort(),
    );
  });

  test("a lost entry among the retired is found at the next start", async () => {
    const node = await start();
    await node.put(key, bytes);
    await node.store.keep(owner, { counter: 1, node: 1, incarnation: 1 }, [range(1, 0, 1)]);
    await node.store.keep(owner, { counter: 2, node: 1, incarnation: 1 }, []);
    node.disk.table("chunk-retired").rows = [];
    const again = await node.restart();
    open.push(again);
    await again.clock.pass(601_000);
    expect(again.store.usage()).toEqual({ chunks: 0, bytes: 0, reclaimableBytes: 0, uploadingBytes: 0 });
    expect(again.files.places).toEqual([]);
  });
});
