import { afterEach, describe, expect, test } from "@jest/globals";
import { type Ballot, type ChunkRange } from "@quorumfs/core";
import fc from "fast-check";
import { settle } from "../support/step-clock.js";
import { bytesOf, keyOf, owner, range, retireAfterMs, TestStore } from "./fixture.js";

const open: TestStore[] = [];

async function start(options: Parameters<typeof TestStore.open>[0] = {}): Promise<TestStore> {
  const store = await TestStore.open(options);
  open.push(store);
  return store;
}

afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close();
});

const version = (counter: number): Ballot => ({ counter, node: 1, incarnation: 1 });
const nothing = { chunks: 0, bytes: 0, reclaimableBytes: 0, uploadingBytes: 0 };

async function putAll(node: TestStore, upload: number, chunks: number): Promise<void> {
  for (let index = 0; index < chunks; index += 1) await node.put(keyOf(upload, index), bytesOf(upload, 100));
}

describe("KEEP", () => {
  test("an overwritten version is retired, stays readable for a while, and goes with all its rows", async () => {
    const node = await start();
    await putAll(node, 1, 3);
    await node.store.keep(owner, version(1), [range(1, 0, 3)]);
    expect(node.store.usage()).toEqual({ chunks: 3, bytes: 300, reclaimableBytes: 0, uploadingBytes: 0 });
    await putAll(node, 2, 2);
    await node.store.keep(owner, version(2), [range(2, 0, 2)]);
    expect(node.store.usage()).toEqual({ chunks: 5, bytes: 500, reclaimableBytes: 300, uploadingBytes: 0 });
    expect((await node.bytes(keyOf(1, 0))).equals(bytesOf(1, 100))).toBe(true);
    await node.clock.pass(retireAfterMs + 2000);
    expect(node.store.usage()).toEqual({ chunks: 2, bytes: 200, reclaimableBytes: 0, uploadingBytes: 0 });
    await expect(node.bytes(keyOf(1, 0))).rejects.toMatchObject({ code: "not_found" });
    expect(node.files.places).toHaveLength(2);
    await node.store.keep(owner, version(3), []);
    await node.clock.pass(retireAfterMs + 2000);
    expect(node.store.usage()).toEqual(nothing);
    expect(node.files.places).toEqual([]);
    for (const table of ["chunks", "chunk-places", "chunk-retired", "chunk-leases", "chunk-kept", "chunk-owners"]) {
      expect([table, node.disk.table(table).rows.length]).toEqual([table, 0]);
    }
  });

  test("a late notice changes nothing; a repeated one neither", async () => {
    const node = await start();
    await putAll(node, 1, 2);
    await putAll(node, 2, 2);
    await node.store.keep(owner, version(2), [range(2, 0, 2)]);
    await node.store.keep(owner, version(1), [range(1, 0, 2)]);
    await node.store.keep(owner, version(2), [range(2, 0, 2)]);
    expect(node.store.usage()).toEqual({ chunks: 4, bytes: 400, reclaimableBytes: 0, uploadingBytes: 200 });
    expect(await node.isHere(keyOf(2, 1))).toBe(true);
  });

  test("an append keeps what it takes over, and retires the chunk that it fills up", async () => {
    const node = await start();
    await putAll(node, 1, 3);
    await node.store.keep(owner, version(1), [range(1, 0, 3)]);
    await putAll(node, 2, 1);
    await node.store.keep(owner, version(2), [range(1, 0, 2), range(2, 0, 1)]);
    await node.clock.pass(retireAfterMs + 2000);
    expect(await node.store.stat(owner, [range(1, 0, 3), range(2, 0, 1)])).toMatchObject([
      { size: 100 },
      { size: 100 },
      undefined,
      { size: 100 },
    ]);
  });

  test("other files are left alone, also if their names begin alike", async () => {
    const node = await start();
    const others = ["films/a", "films/a.mkv/b", "films/a.mkv2"].map((path) => ({ ...owner, path }));
    for (const other of others) await node.put(keyOf(1, 0, other), bytesOf(1, 100));
    for (const other of others) await node.store.keep(other, version(1), [range(1, 0, 1)]);
    await putAll(node, 1, 1);
    await node.store.keep(owner, version(1), [range(1, 0, 1)]);
    await node.store.keep(owner, version(2), []);
    await node.clock.pass(retireAfterMs + 2000);
    expect(node.store.usage()).toEqual({ chunks: 3, bytes: 300, reclaimableBytes: 0, uploadingBytes: 0 });
  });

  test("what is named, belongs here and is missing is told; what belongs elsewhere is not", async () => {
    const node = await start({ belongsHere: (_, index) => index % 2 === 0 });
    await node.put(keyOf(1, 0), bytesOf(1, 100));
    await node.store.keep(owner, version(1), [range(1, 0, 6)]);
    expect(node.missing).toEqual([keyOf(1, 2), keyOf(1, 4)]);
    // It comes, and belongs to an upload that is named: no lease, no sweep.
    await node.put(keyOf(1, 2), bytesOf(1, 100));
    expect(node.store.usage()).toMatchObject({ chunks: 2, uploadingBytes: 0 });
    await node.store.keep(owner, version(2), []);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: 200 });
  });

  test("what is named and here, and belongs elsewhere, is told, and stays until it is dropped", async () => {
    let belongsHere = true;
    const node = await start({ belongsHere: () => belongsHere });
    await putAll(node, 1, 2);
    await node.store.keep(owner, version(1), [range(1, 0, 2)]);
    expect(node.foreign).toEqual([]);
    belongsHere = false;
    await node.store.keep(owner, version(1), [range(1, 0, 2)]);
    expect(node.foreign).toEqual([keyOf(1, 0), keyOf(1, 1)]);
    expect(node.missing).toEqual([]);
    expect(node.store.usage()).toMatchObject({ chunks: 2, reclaimableBytes: 0 });
  });

  test("a file of which nothing is and belongs here leaves no trace", async () => {
    const node = await start({ belongsHere: () => false });
    await node.store.keep(owner, version(1), [range(1, 0, 6)]);
    await node.store.keep(owner, version(2), []);
    expect(node.disk.table("chunk-owners").rows).toEqual([]);
    expect(node.disk.table("chunk-kept").rows).toEqual([]);
  });

  test("what is named and never came is forgotten with the version that named it", async () => {
    const node = await start();
    await node.store.keep(owner, version(1), [range(1, 0, 2)]);
    expect(node.missing).toHaveLength(2);
    await node.store.keep(owner, version(2), []);
    expect(node.disk.table("chunk-owners").rows).toEqual([]);
    expect(node.disk.table("chunk-kept").rows).toEqual([]);
  });

  test("a chunk that a newer version names again is needed again", async () => {
    const node = await start();
    await putAll(node, 1, 2);
    await node.store.keep(owner, version(1), [range(1, 0, 2)]);
    await node.store.keep(owner, version(2), [range(1, 0, 1)]);
    await node.store.keep(owner, version(3), [range(1, 0, 2)]);
    expect(node.store.usage()).toMatchObject({ chunks: 2, reclaimableBytes: 0 });
    await node.clock.pass(retireAfterMs + 2000);
    expect(await node.store.verify(keyOf(1, 1))).toBe("intact");
  });

  test("a crash between two steps of a notice: what it names is safe, and older ones are refused or harmless", async () => {
    for (let commits = 0; commits < 6; commits += 1) {
      const node = await start();
      await putAll(node, 1, 2);
      await node.store.keep(owner, version(1), [range(1, 0, 2)]);
      await putAll(node, 2, 2);
      node.disk.hold();
      const keeping = node.store.keep(owner, version(2), [range(2, 0, 2), range(1, 0, 1)]);
      for (let done = 0; done < commits; done += 1) {
        await settle();
        node.disk.release(1);
        node.disk.hold();
      }
      await settle();
      const after = await start({ disk: node.disk.crash(), files: node.files, clock: node.clock });
      await after.store.keep(owner, version(1), [range(1, 0, 2)]);
      for (const key of [keyOf(1, 0), keyOf(2, 0), keyOf(2, 1)]) expect(await after.isHere(key)).toBe(true);
      await after.store.keep(owner, version(2), [range(2, 0, 2), range(1, 0, 1)]);
      expect(after.store.usage()).toEqual({ chunks: 4, bytes: 400, reclaimableBytes: 100, uploadingBytes: 0 });
      node.disk.release();
      for (let turn = 0; turn < 6; turn += 1) {
        await settle();
        node.disk.release();
      }
      await keeping;
    }
  });

  test("a notice of thousands of chunks leaves others their turn", async () => {
    const node = await start({ belongsHere: () => false });
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    await node.put(keyOf(1, 0), bytesOf(1, 10));
    await node.store.keep(owner, version(1), [range(1, 0, 2_000_000)]);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(10);
  });

  test("a file whose bucket is gone is released: what was named goes, what may be under way waits for its lease", async () => {
    const leaseMs = 60_000;
    const node = await start({ leaseMs });
    await putAll(node, 1, 2);
    await node.store.keep(owner, version(7), [range(1, 0, 2)]);
    await putAll(node, 2, 1);
    await node.store.release(owner);
    expect(node.store.usage()).toMatchObject({ reclaimableBytes: 200, uploadingBytes: 100 });
    await node.clock.pass(leaseMs);
    await node.store.release(owner);
    await node.clock.pass(retireAfterMs + 2000);
    expect(node.store.usage()).toEqual(nothing);
    expect(node.disk.table("chunk-owners").rows).toEqual([]);
  });

  test("a notice that says nothing new writes nothing", async () => {
    const node = await start();
    await putAll(node, 1, 3);
    await node.store.keep(owner, version(1), [range(1, 0, 3)]);
    const { commits } = node.disk;
    await node.store.keep(owner, version(1), [range(1, 0, 3)]);
    expect(node.disk.commits).toBe(commits);
  });

  test("ranges are checked", async () => {
    const node = await start();
    const bad: ChunkRange[][] = [
      [{ upload: new Uint8Array(15), first: 0, count: 1 }],
      [range(1, 0, 0)],
      [range(1, 2 ** 32 - 1, 2)],
      [range(1, 0, 2 ** 31)],
    ];
    for (const ranges of bad) {
      await expect(node.store.keep(owner, version(1), ranges)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    await node.store.keep(owner, version(1), [range(1, 2 ** 32 - 1, 1)]);
    expect(node.missing).toEqual([keyOf(1, 2 ** 32 - 1)]);
  });
});

describe("leases", () => {
  const leaseMs = 60_000;

  test("an abandoned upload waits for its lease and an identity round", async () => {
    const node = await start({ leaseMs });
    await putAll(node, 1, 2);
    await node.store.keep(owner, version(1), [], { afterIdentityRound: true });
    expect(node.store.usage()).toMatchObject({ uploadingBytes: 200, reclaimableBytes: 0 });
    await node.clock.pass(leaseMs);
    await node.store.keep(owner, version(2), []);
    expect(await node.isHere(keyOf(1, 0))).toBe(true);
    await node.store.keep(owner, version(3), [], { afterIdentityRound: true });
    expect(await node.isHere(keyOf(1, 0))).toBe(false);
    await node.clock.pass(retireAfterMs + 2000);
    expect(node.store.usage()).toEqual(nothing);
  });

  test.each(["a renewal", "the same chunk once more"])(
    "%s brings back what was swept, for another lease",
    async (what) => {
      const node = await start({ leaseMs });
      await putAll(node, 1, 2);
      await node.clock.pass(leaseMs);
      await node.store.keep(owner, version(1), [], { afterIdentityRound: true });
      if (what === "a renewal") await node.store.renew(owner, [range(1, 0, 1)]);
      else expect(await node.put(keyOf(1, 0), bytesOf(1, 100))).toBe("held");
      expect(await node.store.stat(owner, [range(1, 0, 2)])).toMatchObject([{ size: 100 }, undefined]);
      expect(node.store.usage()).toMatchObject({ uploadingBytes: 100, reclaimableBytes: 100 });
      await node.store.keep(owner, version(1), [], { afterIdentityRound: true });
      await node.clock.pass(leaseMs - 1);
      expect(await node.isHere(keyOf(1, 0))).toBe(true);
    },
  );

  test("who reads a retired upload keeps it a while longer; then it goes", async () => {
    const node = await start();
    await putAll(node, 1, 2);
    await node.store.keep(owner, version(1), [range(1, 0, 2)]);
    await node.store.keep(owner, version(2), []);
    for (let minute = 0; minute < 15; minute += 1) {
      await node.clock.pass(60_000);
      await node.bytes(keyOf(1, 1));
    }
    expect(await node.store.verify(keyOf(1, 0))).toBe("intact");
    await node.clock.pass(retireAfterMs + 2000);
    expect(node.store.usage()).toEqual(nothing);
  });

  test("many retired chunks go at a bounded rate", async () => {
    const node = await start({ retireAfterMs: 0 });
    await putAll(node, 1, 300);
    await node.store.keep(owner, version(1), [range(1, 0, 300)]);
    await node.store.keep(owner, version(2), []);
    await node.clock.pass(1001);
    expect(node.store.usage().chunks).toBe(44);
    await node.clock.pass(1001);
    expect(node.store.usage()).toEqual(nothing);
    expect(node.files.places).toEqual([]);
  });

  test("a crash after the rows went and before the files did: the files go after the start", async () => {
    const node = await start({ retireAfterMs: 0 });
    await putAll(node, 1, 3);
    await node.store.keep(owner, version(1), [range(1, 0, 3)]);
    await node.store.keep(owner, version(2), []);
    node.files.remove = () => Promise.reject(new Error("crashed here"));
    await node.clock.pass(1001);
    expect(node.store.usage()).toEqual(nothing);
    expect(node.files.places).toHaveLength(3);
    Reflect.deleteProperty(node.files, "remove");
    const again = await node.restart(node.disk.crash());
    open.push(again);
    await again.clock.pass(11_000);
    expect(again.files.places).toEqual([]);
  });
});

/** What ought to be here, kept in the dumbest way. */
class Oracle {
  readonly chunks = new Map<string, "needed" | "retired">();
  readonly named = new Set<number>();
  readonly leases = new Map<number, number>();
  known = -1;

  put(upload: number, index: number, nowMs: number, leaseMs: number): void {
    const name = `${upload}/${index}`;
    const before = this.chunks.get(name);
    if (!this.named.has(upload)) {
      this.leases.set(upload, nowMs + leaseMs);
      this.chunks.set(name, "needed");
    } else if (!before) {
      this.chunks.set(name, "needed");
    }
  }

  keep(counter: number, names: ReadonlySet<string>, nowMs: number, settled: boolean): void {
    if (counter < this.known) return;
    this.known = counter;
    for (const name of names) this.named.add(Number(name.split("/")[0]));
    for (const name of this.chunks.keys()) {
      const upload = Number(name.split("/")[0]);
      const over = (this.leases.get(upload) ?? 0) <= nowMs;
      if (names.has(name)) this.chunks.set(name, "needed");
      else if (this.named.has(upload) || (settled && over)) this.chunks.set(name, "retired");
    }
    // Of what is neither here nor to be here, nothing is remembered.
    const present = new Set([...this.chunks.keys(), ...names].map((name) => Number(name.split("/")[0])));
    for (const upload of this.named) if (!present.has(upload)) this.named.delete(upload);
    if (present.size === 0) this.known = -1;
  }
}

describe("any order of everything", () => {
  const uploads = 3;
  const chunks = 3;
  const leaseMs = 5000;
  const names = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: uploads }), fc.nat(chunks - 1)), {
    selector: ([upload, index]) => `${upload}/${index}`,
    maxLength: 5,
  });
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant("put" as const),
        upload: fc.integer({ min: 1, max: uploads }),
        index: fc.nat(chunks - 1),
      }),
      fc.record({ kind: fc.constant("keep" as const), counter: fc.nat(8), names, settled: fc.boolean() }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 4000 }) }),
      fc.record({ kind: fc.constant("restart" as const) }),
    ),
    { maxLength: 25 },
  );

  test("the store holds what the oracle says, durably, and counts it", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        // Nothing is reaped within this time, so that the oracle need not know when.
        let node = await TestStore.open({ leaseMs, retireAfterMs: 10_000_000 });
        const oracle = new Oracle();
        for (const step of history) {
          if (step.kind === "put") {
            await node.put(keyOf(step.upload, step.index), bytesOf(step.upload, 10));
            oracle.put(step.upload, step.index, node.clock.wallMs(), leaseMs);
          } else if (step.kind === "keep") {
            const ranges = step.names.map(([upload, index]) => range(upload, index, 1));
            await node.store.keep(owner, version(step.counter), ranges, { afterIdentityRound: step.settled });
            const set = new Set(step.names.map(([upload, index]) => `${upload}/${index}`));
            oracle.keep(step.counter, set, node.clock.wallMs(), step.settled);
          } else if (step.kind === "pass") {
            await node.clock.pass(step.ms);
          } else {
            await node.store.close();
            node = await TestStore.open({
              disk: node.disk.crash(),
              files: node.files,
              clock: node.clock,
              leaseMs,
              retireAfterMs: 10_000_000,
            });
          }
          let retired = 0;
          for (const [name, state] of oracle.chunks) {
            const [upload = 0, index = 0] = name.split("/").map(Number);
            const [found] = await node.store.stat(owner, [range(upload, index, 1)]);
            // Retired and never named: it counts as gone.
            const shown = state === "needed" || oracle.named.has(upload);
            expect([name, found !== undefined]).toEqual([name, shown]);
            expect(await node.store.verify(keyOf(upload, index))).toBe("intact");
            if (state === "retired") retired += 10;
          }
          const { chunks: held, bytes, reclaimableBytes, uploadingBytes } = node.store.usage();
          expect([held, bytes]).toEqual([oracle.chunks.size, oracle.chunks.size * 10]);
          const leased = [...oracle.chunks].filter(
            ([name, state]) => state === "needed" && !oracle.named.has(Number(name.split("/")[0])),
          );
          expect(reclaimableBytes + uploadingBytes).toBe(retired + leased.length * 10);
        }
        await node.store.close();
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
