import { describe, expect, test } from "@jest/globals";
import {
  answer,
  type Ballot,
  partitionOf,
  type Register,
  type ReplicaReply,
  type ReplicaRequest,
  zeroBallot,
} from "@quorumfs/core";
import fc from "fast-check";
import { contentInRecordBytesMax } from "../../src/replica/record.js";
import {
  accept,
  ask,
  ballot,
  contentOf,
  files,
  openReplica,
  plain,
  prepare,
  read,
  readContent,
  tombstoneOf,
  valueOf,
} from "./fixture.js";
import { TestStore } from "./lmdb.js";

const store = new TestStore();

describe("votes", () => {
  test("read: a file that nobody wrote", async () => {
    const { replica } = openReplica(await store.reopen());
    expect(await ask(replica, "a", read)).toEqual({
      kind: "state",
      accepted: zeroBallot,
      value: undefined,
      committed: zeroBallot,
      floor: 0,
    });
  });

  test("prepare, accept, read: the value comes back, its content only when it is asked for", async () => {
    const { replica } = openReplica(await store.reopen());
    expect(await ask(replica, "a/b", prepare(1))).toMatchObject({ kind: "state", accepted: zeroBallot });
    expect(await ask(replica, "a/b", accept(1))).toEqual({ kind: "ok" });
    const state = await ask(replica, "a/b", read);
    expect(state).toMatchObject({ accepted: ballot(1), value: { size: 9, content: { kind: "omitted" } } });
    expect(contentOf(await ask(replica, "a/b", readContent))).toBe("content 1");
  });

  test("prepare: an equal ballot is refused, also after a restart", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", prepare(4));
    expect(await ask(replica, "a", prepare(4))).toEqual({ kind: "nack", promised: ballot(4), floor: 0 });
    await replica.close();
    const restarted = openReplica(await store.reopen()).replica;
    expect(await ask(restarted, "a", prepare(4))).toEqual({ kind: "nack", promised: ballot(4), floor: 0 });
    expect(await ask(restarted, "a", accept(3))).toMatchObject({ kind: "nack" });
  });

  test("prepare on a written file: the promise outlives a restart, and so does the value", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(1));
    await ask(replica, "a", prepare(7, 2));
    await replica.close();
    const restarted = openReplica(await store.reopen()).replica;
    expect(await ask(restarted, "a", accept(6))).toEqual({ kind: "nack", promised: ballot(7, 2), floor: 0 });
    expect(contentOf(await ask(restarted, "a", readContent))).toBe("content 1");
    expect(await ask(restarted, "a", accept(8))).toEqual({ kind: "ok" });
    expect(restarted.counterHint(files, "a")).toBe(8);
  });

  test("a promise has a row of its own only until the next accept", async () => {
    const disk = await store.reopen();
    const { replica } = openReplica(disk);
    const promises = disk.table("promises");
    await ask(replica, "a", prepare(1));
    await ask(replica, "b", prepare(1));
    expect(promises.count()).toBe(2);
    await ask(replica, "a", accept(1));
    await ask(replica, "a", accept(2));
    expect(promises.count()).toBe(1);
    await ask(replica, "a", prepare(7));
    await ask(replica, "a", accept(7));
    expect(promises.count()).toBe(1);
    expect(await ask(replica, "a", prepare(7))).toMatchObject({ kind: "nack", promised: ballot(7) });
  });

  test("a promise to a file that has fallen out of memory still holds", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", prepare(5));
    await ask(replica, "b", prepare(5));
    await ask(replica, "b", accept(5));
    for (let index = 0; index < 20_000; index += 1) replica.counterHint(files, `other-${index}`);
    expect(await ask(replica, "a", accept(4))).toEqual({ kind: "nack", promised: ballot(5), floor: 0 });
  });

  test("a tombstone that was read here and is written back at a higher ballot counts at that ballot", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(1, tombstoneOf(1)));
    const state = await ask(replica, "a", read);
    if (state.kind !== "state" || !state.value) throw new Error("expected a tombstone");
    expect(await ask(replica, "a", accept(4, state.value))).toEqual({ kind: "ok" });
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: ballot(4), value: { version: ballot(1) } });
  });

  test("accept with a next ballot: promised along, so that nobody gets in between", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(1, valueOf(1), ballot(2)));
    await replica.close();
    const restarted = openReplica(await store.reopen()).replica;
    expect(await ask(restarted, "a", prepare(2))).toMatchObject({ kind: "nack", promised: ballot(2) });
    expect(await ask(restarted, "a", accept(2))).toEqual({ kind: "ok" });
  });

  test("commit: the hint is told to readers, and is gone after a restart", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(3));
    expect(await ask(replica, "a", { kind: "commit", ballot: ballot(3) })).toEqual({ kind: "ok" });
    expect(await ask(replica, "a", { kind: "commit", ballot: ballot(2) })).toEqual({ kind: "ok" });
    expect(await ask(replica, "a", read)).toMatchObject({ committed: ballot(3) });
    await replica.close();
    const restarted = openReplica(await store.reopen()).replica;
    expect(await ask(restarted, "a", read)).toMatchObject({ accepted: ballot(3), committed: zeroBallot });
  });

  test("erase: the record goes, the floor stays, and no older ballot brings the file back", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(5, tombstoneOf(5), ballot(6)));
    await ask(replica, "a", prepare(9, 2));
    expect(await ask(replica, "a", { kind: "erase", ballot: ballot(4) })).toEqual({ kind: "ok" });
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: ballot(5) });
    expect(await ask(replica, "a", { kind: "erase", ballot: ballot(5) })).toEqual({ kind: "ok" });
    expect(replica.recordCount).toBe(0);
    await replica.close();
    const restarted = openReplica(await store.reopen()).replica;
    expect(await ask(restarted, "a", read)).toMatchObject({ accepted: zeroBallot, value: undefined, floor: 9 });
    expect(await ask(restarted, "a", accept(9))).toEqual({ kind: "nack", promised: zeroBallot, floor: 9 });
    expect(await ask(restarted, "a", accept(10))).toEqual({ kind: "ok" });
    expect(restarted.counterHint(files, "a")).toBe(10);
  });

  test("two erasures in one partition: the floor keeps the higher", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(20, tombstoneOf(20)));
    await ask(replica, "a", { kind: "erase", ballot: ballot(20) });
    await ask(replica, "a", accept(30, tombstoneOf(30)));
    await ask(replica, "a", { kind: "erase", ballot: ballot(30) });
    expect(await ask(replica, "a", read)).toMatchObject({ floor: 30 });
  });
});

describe("content", () => {
  const sizes = [0, 1, contentInRecordBytesMax, contentInRecordBytesMax + 1, 128 * 1024];

  test.each(sizes)("%i bytes survive a promise and a restart", async (size) => {
    const { replica } = openReplica(await store.reopen());
    const content = "x".repeat(size);
    await ask(replica, "a", accept(1, valueOf(1, content)));
    await ask(replica, "a", prepare(5));
    await replica.close();
    const restarted = openReplica(await store.reopen()).replica;
    expect(contentOf(await ask(restarted, "a", readContent))).toBe(content);
    await restarted.close();
  });

  test("large content that a small one, a tombstone or an erasure replaces leaves nothing behind", async () => {
    const disk = await store.reopen();
    const { replica } = openReplica(disk);
    const large = "x".repeat(100_000);
    const contents = disk.table("contents");
    for (const last of [accept(2, valueOf(2, "small")), accept(2, tombstoneOf(2))]) {
      const path = last.kind === "accept" ? last.value.kind : "";
      await ask(replica, path, accept(1, valueOf(1, large)));
      expect(contents.count()).toBe(1);
      expect(await ask(replica, path, last)).toEqual({ kind: "ok" });
      expect(contents.count()).toBe(0);
    }
    await ask(replica, "c", accept(1, valueOf(1, large)));
    await ask(replica, "c", { kind: "erase", ballot: ballot(1) });
    expect(contents.count()).toBe(0);
    await replica.close();
  });

  test("a read that meets content on its way to the disk brings it", async () => {
    const { replica } = openReplica(await store.reopen());
    const large = "y".repeat(50_000);
    const replies = await Promise.all([
      ask(replica, "a", accept(1, valueOf(1, large))),
      ask(replica, "a", readContent),
    ]);
    expect(contentOf(replies[1])).toBe(large);
  });
});

describe("against core's answer() on a map", () => {
  const paths = ["a", "b", "dir/ä", "dir/b"];
  const nodes = fc.integer({ min: 1, max: 3 });
  const counters = fc.integer({ min: 1, max: 12 });
  const requests: fc.Arbitrary<ReplicaRequest> = fc.oneof(
    fc.record({ kind: fc.constant("read" as const), withContent: fc.boolean() }),
    fc.tuple(counters, nodes).map(([counter, node]) => prepare(counter, node)),
    fc
      .tuple(counters, fc.constantFrom(0, 10, 2_000), fc.boolean(), fc.boolean())
      .map(([counter, size, withNext, isDelete]) =>
        accept(
          counter,
          isDelete ? tombstoneOf(counter) : valueOf(counter, "z".repeat(size)),
          withNext ? ballot(counter + 1) : undefined,
        ),
      ),
    fc.tuple(counters, nodes).map(([counter, node]) => ({ kind: "commit" as const, ballot: ballot(counter, node) })),
    counters.map((counter) => ({ kind: "erase" as const, ballot: ballot(counter) })),
  );
  const steps = fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.record({ path: fc.constantFrom(...paths), request: requests }) },
      { weight: 1, arbitrary: fc.constant("restart" as const) },
    ),
    { maxLength: 60 },
  );

  /** A deliberately dumb replica: one floor per path is enough, since the paths lie in partitions of their own. */
  class Oracle {
    readonly #registers = new Map<string, Register>();
    readonly #floors = new Map<string, number>();
    readonly #committed = new Map<string, Ballot>();

    handle(path: string, request: ReplicaRequest): ReplicaReply {
      const view = {
        register: this.#registers.get(path),
        floor: this.#floors.get(path) ?? 0,
        committed: this.#committed.get(path) ?? zeroBallot,
      };
      const step = answer(view, request);
      if (step.store) this.#registers.set(path, step.store);
      if (step.erase) {
        this.#registers.delete(path);
        this.#floors.set(path, step.erase.floor);
      }
      if (step.committed) this.#committed.set(path, step.committed);
      return step.reply;
    }

    restart(): void {
      this.#committed.clear();
    }
  }

  test("the paths lie in partitions of their own", () => {
    expect(new Set(paths.map((path) => partitionOf(files, path))).size).toBe(paths.length);
  });

  test("any sequence of votes and restarts is answered alike", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (sequence, atOnce) => {
        let { replica } = openReplica(await store.fresh());
        const oracle = new Oracle();
        let waiting: Promise<void>[] = [];
        for (const step of sequence) {
          if (step === "restart") {
            await Promise.all(waiting);
            waiting = [];
            await replica.close();
            oracle.restart();
            ({ replica } = openReplica(await store.reopen()));
            continue;
          }
          const expected = plain(oracle.handle(step.path, step.request));
          const reply = ask(replica, step.path, step.request).then((actual) => expect(plain(actual)).toEqual(expected));
          if (atOnce) waiting.push(reply);
          else await reply;
        }
        await Promise.all(waiting);
        await replica.close();
      }),
      { numRuns: 60 },
    );
  });
});
