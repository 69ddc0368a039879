import { afterEach, describe, expect, test } from "@jest/globals";
import { firstLayout, nodeId, partitionCount, partitionOf } from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import { Digests } from "../../src/sync/digests.js";
import { accept, ask, ballot, context, files, openReplica, prepare, tombstoneOf, valueOf } from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { settle, StepClock } from "../support/step-clock.js";

const counting: Digests[] = [];

afterEach(async () => {
  for (const digests of counting.splice(0)) await digests.close();
});

/** A replica with digests that are not counted yet. */
class Subject {
  readonly clock = new StepClock();
  readonly digests: Digests;
  readonly replica: LocalReplica;
  busy = false;

  readonly disk: MemoryDisk;
  readonly #partitions: number;

  constructor(disk: MemoryDisk = new MemoryDisk(), partitions = partitionCount) {
    this.disk = disk;
    this.#partitions = partitions;
    const isBusy = () => this.busy;
    this.digests = new Digests({
      disk,
      clock: this.clock,
      log: silentLog,
      isBusy,
      partitions: () => partitions,
      stepRecords: 8,
    });
    const layout = firstLayout(
      [1, 2, 3].map((id) => ({ id: nodeId(id), zone: "", weight: 1 })),
      3,
      partitions,
    );
    this.replica = openReplica(disk, {
      changes: this.digests,
      context: { ...context, layout: () => layout },
    }).replica;
    counting.push(this.digests);
  }

  count(): void {
    this.digests.start(() => this.replica.unsyncedFiles());
  }

  async counted(): Promise<this> {
    this.count();
    while (!this.digests.isReady) await settle();
    return this;
  }

  /** What a count of what is there now comes to. */
  async fresh(): Promise<readonly string[]> {
    return all((await new Subject(this.disk, this.#partitions).counted()).digests);
  }
}

function all(digests: Digests): readonly string[] {
  return Array.from({ length: partitionCount }, (_, partition) =>
    Buffer.from(digests.subRangesOf(partition) ?? []).toString("hex"),
  );
}

/** Numbers that are the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes of all kinds, to a few files, so that they meet; not awaited. */
function change(replica: LocalReplica, pick: (below: number) => number, counter: number): void {
  const path = `file-${pick(300)}`;
  const kind = pick(4);
  if (kind === 0) void ask(replica, path, accept(counter, tombstoneOf(counter)));
  else if (kind === 1) void ask(replica, path, { kind: "erase", ballot: replica.acceptedOf(files, path) ?? ballot(1) });
  else if (kind === 2) void ask(replica, path, prepare(counter));
  else void ask(replica, path, accept(counter, valueOf(counter, pick(2) === 0 ? "small" : "large".repeat(1000))));
}

describe("digests are those of the records", () => {
  const seeds = Array.from({ length: 10 }, (_, seed) => seed + 1);

  test.each(seeds)("while they are counted, writes and erasures go on, and the disk is late: seed %d", async (seed) => {
    const pick = numbers(seed);
    const subject = new Subject();
    let counter = 2;
    for (; counter < 300; counter += 1) change(subject.replica, pick, counter);
    await settle();
    subject.count();
    while (!subject.digests.isReady) {
      if (pick(3) === 0) subject.disk.hold();
      for (let left = pick(80); left > 0; left -= 1) change(subject.replica, pick, (counter += 1));
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (pick(2) === 0) subject.disk.release(1 + pick(3));
    }
    for (let left = 50; left > 0; left -= 1) change(subject.replica, pick, (counter += 1));
    subject.disk.release();
    await settle();
    expect(all(subject.digests)).toEqual(await subject.fresh());
  });

  test("nothing is known before they are counted; a count yields to clients, and comes to its end all the same", async () => {
    const subject = new Subject();
    for (let index = 0; index < 100; index += 1) void ask(subject.replica, `old-${index}`, accept(1));
    await settle();
    subject.busy = true;
    subject.count();
    expect(subject.digests.digestOf(0)).toBeUndefined();
    while (!subject.digests.isReady) await subject.clock.pass(10);
    expect(all(subject.digests)).toEqual(await subject.fresh());
  });

  test("a record that was found damaged: they are counted anew, a minute later", async () => {
    const subject = await new Subject().counted();
    await ask(subject.replica, "a", accept(1));
    await ask(subject.replica, "b", accept(1));
    const records = subject.disk.table("records");
    for (const { key } of records.rows.slice(0, 1)) records.put(key, Buffer.from("damaged"));
    const reopened = await new Subject(subject.disk).counted();
    expect(await ask(reopened.replica, "a", { kind: "read", withContent: false })).toEqual({ kind: "corrupt" });
    await ask(reopened.replica, "a", accept(100, valueOf(100)));
    await reopened.clock.pass(60_000);
    await settle();
    expect(all(reopened.digests)).toEqual(await reopened.fresh());
  });

  test.each([1, 7, 64, 1023])(
    "of a layout of %d partitions: counted and kept up to date by partition",
    async (partitions) => {
      const subject = await new Subject(new MemoryDisk(), partitions).counted();
      const paths = Array.from({ length: 40 }, (_, index) => `file-${index}`);
      for (const path of paths) await ask(subject.replica, path, accept(1));
      expect(all(subject.digests)).toEqual(await subject.fresh());
      const nothing = all(await new Subject().counted().then(({ digests }) => digests));
      const filled = all(subject.digests).flatMap((digest, partition) =>
        digest === nothing[partition] ? [] : [partition],
      );
      const expected = new Set(paths.map((path) => Number(partitionOf(files, path, partitions))));
      expect(new Set(filled)).toEqual(expected);
    },
  );

  test("a partition of which nothing is left is empty", async () => {
    const subject = await new Subject().counted();
    await ask(subject.replica, "a", accept(1));
    const before = all(subject.digests);
    subject.digests.emptied(new Set(Array.from({ length: partitionCount }, (_, partition) => partition)));
    expect(all(subject.digests)).not.toEqual(before);
    expect(new Set(all(subject.digests)).size).toBe(1);
  });
});
