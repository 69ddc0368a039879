import { describe, expect, test } from "@jest/globals";
import type { ReplicaReply, ReplicaRequest } from "@quorumfs/core";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import {
  accept,
  ask,
  ballot,
  contentOf,
  files,
  openReplica,
  prepare,
  read,
  readContent,
  scratch,
  sibling,
  tombstoneOf,
  valueOf,
} from "./fixture.js";
import { ManualClock } from "./manual-clock.js";
import { MemoryDisk } from "./memory-disk.js";

/** Votes whose answers are collected in the order in which they come. */
class Ballots {
  readonly replies: [string, ReplicaReply][] = [];
  readonly #replica: LocalReplica;

  constructor(replica: LocalReplica) {
    this.#replica = replica;
  }

  send(label: string, path: string, request: ReplicaRequest, bucket = files): void {
    this.#replica.handle({ bucket, path, layout: 1 }, request, (reply) => this.replies.push([label, reply]));
  }

  get labels(): string[] {
    return this.replies.map(([label]) => label);
  }
}

function start(disk = new MemoryDisk()): {
  disk: MemoryDisk;
  clock: ManualClock;
  ballots: Ballots;
  subject: ReturnType<typeof openReplica>;
} {
  const clock = new ManualClock();
  const subject = openReplica(disk, { clock });
  return { disk, clock, ballots: new Ballots(subject.replica), subject };
}

describe("nothing that a crash could take back is shown", () => {
  const cases: [string, ReplicaRequest][] = [
    ["a read", read],
    ["a read of the content", readContent],
    ["a prepare that is refused", prepare(1)],
    ["an accept that is refused", accept(1)],
    ["an accept again", accept(2)],
    ["an erasure of something else", { kind: "erase", ballot: ballot(1) }],
  ];

  test.each(cases)("%s waits for the accept that it meets", async (label, request) => {
    const { disk, clock, ballots } = start();
    disk.hold();
    ballots.send("accept", "a", accept(2));
    ballots.send(label, "a", request);
    clock.endTurn();
    ballots.send(`${label}, later`, "a", request);
    clock.endTurn();
    await clock.settle();
    expect(ballots.labels).toEqual([]);
    disk.release();
    await clock.settle();
    expect(ballots.labels).toEqual(["accept", label, `${label}, later`]);
  });

  test("a vote on another file does not wait", async () => {
    const { disk, clock, ballots } = start();
    disk.hold();
    ballots.send("accept", "a", accept(2));
    clock.endTurn();
    ballots.send("read of b", "b", read);
    expect(ballots.labels).toEqual(["read of b"]);
    disk.release();
    await clock.settle();
  });

  test("a prepare waits, and a crash before its commit leaves the ballot free", async () => {
    const { disk, clock, ballots } = start();
    disk.hold();
    ballots.send("prepare", "a", prepare(5));
    clock.endTurn();
    await clock.settle();
    expect(ballots.labels).toEqual([]);
    const after = openReplica(disk.crash());
    expect(await ask(after.replica, "a", prepare(5))).toMatchObject({ kind: "state" });
  });

  test("whatever was answered is there after a crash", async () => {
    const { disk, clock, ballots } = start();
    ballots.send("accept", "a", accept(1));
    clock.endTurn();
    await clock.settle();
    disk.hold();
    ballots.send("prepare", "a", prepare(3));
    clock.endTurn();
    ballots.send("accept 3", "a", accept(3));
    clock.endTurn();
    disk.release(1);
    disk.hold();
    await clock.settle();
    expect(ballots.labels).toEqual(["accept", "prepare"]);
    const { replica } = openReplica(disk.crash());
    expect(contentOf(await ask(replica, "a", readContent))).toBe("content 1");
    expect(await ask(replica, "a", accept(2))).toEqual({ kind: "nack", promised: ballot(3), floor: 0 });
  });

  test("an erasure's floor is not shown to the partition's other files before it is durable", async () => {
    const { disk, clock, ballots, subject } = start();
    ballots.send("tombstone", "a", accept(9, tombstoneOf(9)));
    clock.endTurn();
    await clock.settle();
    disk.hold();
    ballots.send("erase", "a", { kind: "erase", ballot: ballot(9) });
    ballots.send("too low", "a", accept(9));
    clock.endTurn();
    const neighbour = sibling("a");
    expect(await ask(subject.replica, neighbour, read)).toMatchObject({ floor: 0 });
    disk.release();
    await clock.settle();
    expect(ballots.replies.at(-1)).toEqual(["too low", { kind: "nack", promised: expect.anything(), floor: 9 }]);
    expect(await ask(subject.replica, neighbour, read)).toMatchObject({ floor: 9 });
  });

  test("two erasures on their way: a crash in between or after leaves the higher floor", async () => {
    const { disk, clock, ballots } = start();
    const neighbour = sibling("a");
    ballots.send("tombstone", "a", accept(9, tombstoneOf(9)));
    ballots.send("tombstone", neighbour, accept(3, tombstoneOf(3)));
    clock.endTurn();
    await clock.settle();
    ballots.send("erase", "a", { kind: "erase", ballot: ballot(9) });
    ballots.send("erase", neighbour, { kind: "erase", ballot: ballot(3) });
    clock.endTurn();
    await clock.settle();
    ballots.send("read", neighbour, read);
    expect(ballots.replies.at(-1)?.[1]).toMatchObject({ floor: 9 });
    expect(await ask(openReplica(disk.crash()).replica, neighbour, read)).toMatchObject({ floor: 9 });
  });

  test("a file that is on its way to the disk stays in memory, however many others come by", async () => {
    const { disk, clock, ballots, subject } = start();
    disk.hold();
    ballots.send("accept", "a", accept(2));
    clock.endTurn();
    for (let index = 0; index < 20_000; index += 1) subject.replica.counterHint(files, `other-${index}`);
    ballots.send("read", "a", read);
    expect(ballots.labels).toEqual([]);
    disk.release();
    await clock.settle();
    expect(ballots.labels).toEqual(["accept", "read"]);
  });

  test("a page shows nothing before it is durable", async () => {
    const { disk, clock, ballots, subject } = start();
    disk.hold();
    ballots.send("accept", "a", accept(1));
    clock.endTurn();
    let shown = false;
    const page = subject.replica.rangeRead({ bucket: files, prefix: "", after: "", limit: 10 }).then((result) => {
      shown = true;
      return result;
    });
    await clock.settle();
    expect(shown).toBe(false);
    disk.release();
    expect((await page).entries).toHaveLength(1);
  });
});

describe("group commit", () => {
  test("the votes of one turn share a commit", async () => {
    const { disk, clock, ballots } = start();
    for (let index = 0; index < 50; index += 1) ballots.send("accept", `file-${index}`, accept(1));
    clock.endTurn();
    await clock.settle();
    expect(disk.commits).toBe(1);
    expect(ballots.replies).toHaveLength(50);
  });

  test("votes of one file in one turn are decided in their order, and the last one counts", async () => {
    const { disk, clock, ballots } = start();
    ballots.send("prepare", "a", prepare(1));
    ballots.send("accept", "a", accept(1));
    ballots.send("accept again", "a", accept(2, valueOf(2)));
    ballots.send("too late", "a", accept(1));
    clock.endTurn();
    await clock.settle();
    expect(ballots.replies.map(([, reply]) => reply.kind)).toEqual(["state", "ok", "ok", "nack"]);
    const { replica } = openReplica(disk.crash());
    expect(contentOf(await ask(replica, "a", readContent))).toBe("content 2");
  });

  test("a listener that throws costs the others nothing", async () => {
    const { clock, ballots, subject } = start();
    subject.replica.handle({ bucket: files, path: "a", layout: 1 }, accept(1), () => {
      throw new Error("a fault in the listener");
    });
    ballots.send("accept", "b", accept(1));
    clock.endTurn();
    await clock.settle();
    expect(ballots.replies).toEqual([["accept", { kind: "ok" }]]);
  });
});

describe("buckets of class memory", () => {
  test("votes are answered at once, and read at once", () => {
    const { disk, clock, ballots } = start();
    disk.hold();
    ballots.send("accept", "a", accept(1), scratch);
    clock.endTurn();
    ballots.send("read", "a", readContent, scratch);
    expect(ballots.labels).toEqual(["accept", "read"]);
    expect(contentOf(ballots.replies[1]?.[1] ?? { kind: "ok" })).toBe("content 1");
  });

  test("an erasure waits for the disk all the same", async () => {
    const { disk, clock, ballots } = start();
    ballots.send("accept", "a", accept(1, tombstoneOf(1)), scratch);
    clock.endTurn();
    await clock.settle();
    disk.hold();
    ballots.send("erase", "a", { kind: "erase", ballot: ballot(1) }, scratch);
    ballots.send("read", "a", read, scratch);
    clock.endTurn();
    await clock.settle();
    expect(ballots.labels).toEqual(["accept"]);
    disk.release();
    await clock.settle();
    expect(ballots.labels).toEqual(["accept", "erase", "read"]);
  });

  test("a page that is asked for after the answer has the file", async () => {
    const { clock, ballots, subject } = start();
    ballots.send("accept", "a", accept(1), scratch);
    const page = subject.replica.rangeRead({ bucket: scratch, prefix: "", after: "", limit: 10 });
    clock.endTurn();
    expect((await page).entries).toMatchObject([{ kind: "record", path: "a" }]);
  });
});

describe("a disk that fails", () => {
  test("nothing is acknowledged any more, and the owner hears of it once", async () => {
    const { disk, clock, ballots, subject } = start();
    disk.hold();
    ballots.send("first", "a", accept(1));
    clock.endTurn();
    ballots.send("second", "b", accept(1));
    clock.endTurn();
    disk.fail("no space left");
    await clock.settle();
    ballots.send("third", "c", accept(1));
    ballots.send("read", "c", read);
    expect(ballots.replies.map(([label, reply]) => [label, reply.kind])).toEqual([
      ["first", "refused"],
      ["second", "refused"],
      ["third", "refused"],
      ["read", "refused"],
    ]);
    expect(ballots.replies[0]?.[1]).toMatchObject({
      code: "unavailable",
      reason: expect.stringContaining("no space left"),
    });
    expect(subject.failures).toHaveLength(1);
    await expect(subject.replica.rangeRead({ bucket: files, prefix: "", after: "", limit: 1 })).rejects.toMatchObject({
      code: "unavailable",
    });
    await subject.replica.close();
  });
});

describe("close", () => {
  test("waits for what was taken, and takes nothing more", async () => {
    const { disk, clock, ballots, subject } = start();
    disk.hold();
    ballots.send("accept", "a", accept(1));
    clock.endTurn();
    let closed = false;
    const closing = subject.replica.close().then(() => {
      closed = true;
    });
    ballots.send("late", "a", read);
    await clock.settle();
    expect(closed).toBe(false);
    expect(ballots.replies).toEqual([
      ["late", { kind: "refused", code: "unavailable", reason: "the node is stopping" }],
    ]);
    disk.release();
    await closing;
    expect(ballots.labels).toEqual(["late", "accept"]);
    await subject.replica.close();
  });
});
