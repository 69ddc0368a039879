import { describe, expect, test } from "@jest/globals";
import { type ReplicaState } from "@quorumfs/core";
import { CopyState } from "@quorumfs/proto";
import { copyToWire, stateFromWire } from "../../src/explain/wire.js";
import type { InspectedCopy } from "../../src/replica/messages.js";
import { recordKey } from "../../src/replica/record-key.js";
import {
  accept,
  ask,
  ballot,
  context,
  files,
  openReplica,
  plain,
  prepare,
  read,
  tombstoneOf,
} from "../replica/fixture.js";
import { TestStore } from "../replica/lmdb.js";
import { MemoryDisk } from "../replica/memory-disk.js";

const store = new TestStore();
const target = { bucket: files, path: "a", layout: 1 };

describe("what a replica tells of a file", () => {
  test("nothing, where there is nothing", async () => {
    const { replica } = openReplica(new MemoryDisk());
    expect(await replica.inspect(target)).toMatchObject({
      kind: "readable",
      state: { accepted: { counter: 0 }, value: undefined, floor: 0 },
      promised: { counter: 0 },
      isContentDamaged: false,
    });
  });

  test("the same as a read is told, and what was promised besides", async () => {
    const { replica } = openReplica(new MemoryDisk());
    await ask(replica, "a", accept(3));
    await ask(replica, "a", { kind: "commit", ballot: ballot(3) });
    await ask(replica, "a", prepare(8));
    const told = await ask(replica, "a", read);
    const copy = await replica.inspect(target);
    expect(copy).toMatchObject({ kind: "readable", promised: ballot(8), isContentDamaged: false });
    if (copy.kind === "readable") expect(plain(copy.state)).toEqual(plain(told));
  });

  test("changes nothing: a lower ballot is still taken, and no row was written", async () => {
    const disk = new MemoryDisk();
    const { replica } = openReplica(disk);
    await ask(replica, "a", accept(3));
    const before = [...disk.table("records").range({ start: new Uint8Array(1) })].length;
    await replica.inspect({ ...target, path: "b" });
    await replica.inspect(target);
    expect([...disk.table("records").range({ start: new Uint8Array(1) })]).toHaveLength(before);
    expect(await ask(replica, "b", accept(1))).toEqual({ kind: "ok" });
    expect(await ask(replica, "a", prepare(4))).toMatchObject({ kind: "state", accepted: ballot(3) });
  });

  test.each([
    ["an older layout", { layout: () => ({ ...context.layout(), number: 2, replicas: 3, partitions: moved(2) }) }],
    ["a newer layout than it can learn of", { newerLayout: async () => false }],
  ] as const)("not to who follows %s", async (what, changes) => {
    const { replica } = openReplica(new MemoryDisk(), { context: { ...context, ...changes } });
    const layout = what.startsWith("a newer") ? 5 : 1;
    const code = what.startsWith("a newer") ? undefined : "precondition_failed";
    const asking = replica.inspect({ ...target, layout });
    if (code) await expect(asking).rejects.toMatchObject({ code });
    else expect((await asking).kind).toBe("readable");
  });

  test("of a record that is damaged, that it is forgotten; of damaged content, that it votes on", async () => {
    const first = openReplica(await store.reopen());
    await ask(first.replica, "a", accept(3));
    await ask(first.replica, "b", accept(3));
    await first.replica.close();
    const disk = await store.reopen();
    const table = disk.table("records");
    for (const [path, at] of [
      ["a", 60],
      ["b", -1],
    ] as const) {
      const key = recordKey(files, path).bytes;
      const row = Buffer.from(table.get(key) ?? []);
      const byte = at < 0 ? row.length + at : at;
      row[byte] = (row[byte] ?? 0) ^ 0x10;
      await disk.commit([{ table, key, value: row }]);
    }
    const { replica, damaged } = openReplica(disk);
    expect(await replica.inspect(target)).toEqual({ kind: "forgotten" });
    expect(await replica.inspect({ ...target, path: "b" })).toMatchObject({ kind: "readable", isContentDamaged: true });
    expect(damaged.map(({ path }) => path).sort()).toEqual(["a", "b"]);
  });
});

function moved(number: number) {
  return (context.layout()?.partitions ?? []).map((partition) => ({ ...partition, layout: number }));
}

describe("a copy on the wire", () => {
  const stateOf = (parts: Partial<ReplicaState>): InspectedCopy => ({
    kind: "readable",
    state: {
      kind: "state",
      accepted: ballot(0, 0),
      value: undefined,
      committed: ballot(0, 0),
      floor: 0,
      ...parts,
    },
    promised: ballot(9),
    isContentDamaged: false,
  });

  test("a delete comes back as a delete, with what was promised", () => {
    const copy = stateOf({ accepted: ballot(4), value: tombstoneOf(4), committed: ballot(4), floor: 2 });
    const back = stateFromWire(copyToWire(copy, CopyState.COPY_STATE_GOOD));
    expect(back).toMatchObject({
      promised: ballot(9),
      state: { accepted: ballot(4), committed: ballot(4), floor: 2, value: { kind: "tombstone", version: ballot(4) } },
    });
  });

  test.each([CopyState.COPY_STATE_DAMAGED, CopyState.COPY_STATE_FORGOTTEN])(
    "state %i without a ballot abstains",
    (state) => {
      expect(stateFromWire(copyToWire({ kind: "forgotten" }, state))).toBeUndefined();
    },
  );
});
