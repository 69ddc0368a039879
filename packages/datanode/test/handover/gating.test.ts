import { beforeEach, describe, expect, test } from "@jest/globals";
import { type Layout, partitionOf, type ReplicaReply, zeroBallot } from "@quorumfs/core";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import { checkRangeLayout } from "../../src/replica/range-layout.js";
import type { ReplicaContext } from "../../src/replica/replica-context.js";
import {
  accept,
  ask,
  ballot,
  contentOf,
  context as nodeOne,
  files,
  layout as firstLayout,
  openReplica,
  prepare,
  read,
  readContent,
  sibling,
  valueOf,
} from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { settle } from "../support/step-clock.js";

const path = "a";
const partition = partitionOf(files, path);
const never = new AbortController().signal;

/** What node 1 follows and holds; a newer layout comes when the test says so. */
class Surroundings {
  layout: Layout = firstLayout;
  readonly notHeld = new Set<number>();
  readonly #waiting = new Set<() => void>();

  get context(): ReplicaContext {
    return {
      ...nodeOne,
      layout: () => this.layout,
      holds: (number) => !this.notHeld.has(number),
      holdsAll: true,
      wasMember: (node) => node >= 1 && node <= 5,
      newerLayout: (isThere) => new Promise((resolve) => this.#waiting.add(() => resolve(isThere()))),
    };
  }

  /** All partitions change with this layout. */
  follow(number: number): void {
    this.layout = {
      ...this.layout,
      number,
      partitions: this.layout.partitions.map((assignment) => ({ ...assignment, layout: number })),
    };
    this.tellAll();
  }

  /** The wait is over, whatever it was for. */
  tellAll(): void {
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
  }
}

let around: Surroundings;
let replica: LocalReplica;
let disk: MemoryDisk;

beforeEach(() => {
  around = new Surroundings();
  disk = new MemoryDisk();
  replica = openReplica(disk, { context: around.context }).replica;
});

describe("a vote and the layout", () => {
  test("of an older layout: stale", async () => {
    around.follow(2);
    expect(await ask(replica, path, prepare(1))).toEqual({ kind: "stale_layout", layout: 2 });
  });

  test("of a newer one: answered when that is followed, and on what the file is by then", async () => {
    const early: ReplicaReply[] = [];
    replica.handle({ bucket: files, path, layout: 2 }, prepare(5), (reply) => early.push(reply));
    await ask(replica, path, accept(7));
    expect(early).toEqual([]);
    around.follow(2);
    await settle();
    expect(early).toMatchObject([{ kind: "nack", promised: ballot(7) }]);
  });

  test("of a newer one that does not come: refused", async () => {
    const asked = ask(replica, path, prepare(5), { layout: 2 });
    await settle();
    around.tellAll();
    expect(await asked).toMatchObject({ kind: "refused", code: "unavailable" });
  });

  test("of a newer one, when a still newer one came: stale", async () => {
    const asked = ask(replica, path, prepare(5), { layout: 2 });
    around.follow(3);
    expect(await asked).toEqual({ kind: "stale_layout", layout: 3 });
  });

  test("so many wait and no more", async () => {
    const waiting = Array.from({ length: 4096 }, () => ask(replica, path, read, { layout: 2 }));
    expect(await ask(replica, path, read, { layout: 2 })).toMatchObject({ kind: "refused", code: "unavailable" });
    around.follow(2);
    expect((await Promise.all(waiting)).every(({ kind }) => kind === "state")).toBe(true);
  });

  test("contents of votes that wait are bounded, too", async () => {
    const content = new Uint8Array(128 * 1024);
    const answers: ReplicaReply[] = [];
    for (let vote = 1; vote <= 257; vote += 1) {
      const target = { bucket: files, path: `large-${vote}`, layout: 2 };
      replica.handle(target, accept(1, valueOf(1, content)), (reply) => answers.push(reply));
    }
    expect(answers).toMatchObject([{ kind: "refused", code: "unavailable" }]);
    around.follow(2);
    await settle();
    expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(256);
  });

  test("on a partition that is not held: refused, and nothing is written", async () => {
    around.notHeld.add(partition);
    const before = disk.commits;
    expect(await ask(replica, path, prepare(1))).toMatchObject({ kind: "refused", code: "unavailable" });
    expect(disk.commits).toBe(before);
  });

  test("a ballot of a node that has left is as good as any; one of a stranger is not", async () => {
    expect(
      await ask(replica, path, {
        kind: "accept",
        ballot: ballot(3, 5),
        value: { ...valueOf(3), version: ballot(3, 5) },
      }),
    ).toEqual({
      kind: "ok",
    });
    expect(await ask(replica, path, prepare(9, 6))).toMatchObject({ kind: "refused", code: "permission_denied" });
  });
});

describe("a page of a listing and the layout", () => {
  test("under the asker's layout, and no other", async () => {
    around.follow(2);
    await expect(checkRangeLayout(around.context, 2)).resolves.toBeUndefined();
    await expect(checkRangeLayout(around.context, 1)).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("a newer one is waited for", async () => {
    const checking = checkRangeLayout(around.context, 2);
    around.follow(2);
    await expect(checking).resolves.toBeUndefined();
    const waiting = checkRangeLayout(around.context, 3);
    around.tellAll();
    await expect(waiting).rejects.toMatchObject({ code: "unavailable" });
  });

  test("not while the node clears a partition on which it is to vote", async () => {
    await expect(checkRangeLayout({ ...around.context, holdsAll: false }, 1)).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});

describe("dropping partitions", () => {
  const other = "in another partition";
  const promisedOnly = sibling(path);

  beforeEach(async () => {
    await ask(replica, path, accept(3));
    await ask(replica, path, { kind: "commit", ballot: ballot(3) });
    await ask(replica, "b".repeat(3), accept(4));
    await ask(replica, promisedOnly, prepare(9));
    await ask(replica, other, accept(5, valueOf(5, "c".repeat(4000))));
    await replica.raiseFloors(new Map([[partition, 2]]));
  });

  const drop = (...partitions: readonly number[]) =>
    replica.dropPartitions(new Set(partitions), { signal: never, pause: () => Promise.resolve() });

  test("records, contents, promises, floors and hints go, on disk and in memory; the rest stays", async () => {
    around.notHeld.add(partition);
    await drop(partition);
    around.notHeld.clear();
    for (const subject of [replica, openReplica(disk.crash(), { context: around.context }).replica]) {
      expect(await ask(subject, path, read)).toEqual({
        kind: "state",
        accepted: zeroBallot,
        value: undefined,
        committed: zeroBallot,
        floor: 0,
      });
      expect(contentOf(await ask(subject, other, readContent))).toBe("c".repeat(4000));
    }
    // What was promised counts no more: the node begins with nothing.
    expect(await ask(replica, promisedOnly, prepare(1))).toMatchObject({ kind: "state" });
  });

  test("contents of their own table go with their records", async () => {
    const large = partitionOf(files, other);
    around.notHeld.add(large);
    await drop(large);
    expect(disk.table("contents").count()).toBe(0);
    expect(disk.table("records").count()).toBe(2);
  });

  test("stopped on the way: some of it is left, and the next time takes the rest", async () => {
    around.notHeld.add(partition);
    const stop = new AbortController();
    stop.abort();
    await replica.dropPartitions(new Set([partition]), { signal: stop.signal, pause: () => Promise.resolve() });
    expect(disk.table("floors").count()).toBe(1);
    await drop(partition);
    expect(disk.table("floors").count()).toBe(0);
    expect(disk.table("promises").count()).toBe(0);
  });

  test("nothing of it is told while it is there still", async () => {
    around.notHeld.add(partition);
    const told: string[] = [];
    for await (const page of replica.scan()) told.push(...page.map(({ entry }) => entry.path));
    expect(told).not.toContain(path);
    expect(told).toContain(other);
    expect(replica.counterHint(files, path)).toBe(0);
  });

  test("a floor that others have: no file without a record takes a vote below it, also after a restart", async () => {
    await replica.raiseFloors(
      new Map([
        [partition, 7],
        [partitionOf(files, other), 0],
      ]),
    );
    const unknown = pathOf(partition);
    expect(await ask(replica, unknown, prepare(7))).toMatchObject({ kind: "nack", floor: 7 });
    const again = openReplica(disk.crash(), { context: around.context }).replica;
    expect(await ask(again, unknown, prepare(7))).toMatchObject({ kind: "nack", floor: 7 });
    expect(await ask(again, unknown, prepare(8))).toMatchObject({ kind: "state" });
  });
});

/** A path of the partition that has no record. */
function pathOf(wanted: number): string {
  for (let at = 0; ; at += 1) if (partitionOf(files, `unknown-${at}`) === wanted) return `unknown-${at}`;
}
