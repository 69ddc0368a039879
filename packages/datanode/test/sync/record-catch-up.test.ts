import { describe, expect, test } from "@jest/globals";
import {
  type Ballot,
  nodeId,
  partitionOf,
  QuorumError,
  type ReplicaReply,
  type ReplicaRequest,
  type Value,
  zeroBallot,
} from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import type { Settled } from "../../src/coordinator/coordinator.js";
import type { OnAnswer } from "../../src/coordinator/vote-links.js";
import type { LackingRecord } from "../../src/sync/lacking-records.js";
import { type CatchUpResult, RecordCatchUp } from "../../src/sync/record-catch-up.js";
import { TransferPace } from "../../src/sync/transfer-pace.js";
import { clusterOf } from "../content/fixture.js";
import {
  accept,
  ask,
  ballot,
  contentOf,
  files,
  openReplica,
  prepare,
  readContent,
  tombstoneOf,
  valueOf,
} from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { StepClock } from "../support/step-clock.js";

const source = nodeId(2);

/** A node that lacks something, and another one that has it. */
class Subject {
  readonly clock = new StepClock();
  readonly replica = openReplica(new MemoryDisk(), { clock: this.clock }).replica;
  /** What the other node answers about each path. */
  readonly answers = new Map<string, ReplicaReply | QuorumError>();
  readonly asked: string[] = [];
  readonly settled: string[] = [];
  readonly damaged: string[] = [];
  readonly stop = new AbortController();
  isFull = false;
  inFlightMax = 0;
  #inFlight = 0;
  readonly #catchUp: RecordCatchUp;

  constructor(rates = { recordsPerSecond: 100_000, bytesPerSecond: 1e9 }) {
    const { clock, replica } = this;
    this.#catchUp = new RecordCatchUp({
      replica,
      links: {
        ask: (_node, { target: { path } }, onAnswer) => this.#answer(path, onAnswer),
        reportDamage: (_node, { path }) => void this.damaged.push(path),
      },
      coordinator: {
        settle: ({ bucket, path }, done) => {
          this.settled.push(path);
          const value = { ...valueOf(99), version: ballot(99) };
          const place = { partition: partitionOf(bucket.id, path), layout: 1, voters: { groups: [], members: [] } };
          const result: Settled = { value, acknowledged: [], place, ballot: ballot(99) };
          done(undefined, result);
          return () => undefined;
        },
      },
      store: { view: clusterOf(3).view },
      chunks: this,
      pace: new TransferPace({ clock, rates, isBusy: () => false }),
      clock,
      log: silentLog,
    });
  }

  #answer(path: string, onAnswer: OnAnswer): void {
    this.asked.push(path);
    this.#inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.#inFlight);
    setImmediate(() => {
      this.#inFlight -= 1;
      const answer = this.answers.get(path);
      if (answer instanceof QuorumError || !answer) onAnswer(undefined, answer?.message ?? "no answer");
      else onAnswer(answer, "");
    });
  }

  /** The other node has it, and tells. */
  has(path: string, accepted: Ballot, value: Value): LackingRecord {
    this.answers.set(path, { kind: "state", accepted, value, committed: zeroBallot, floor: 0 });
    return lacking(path, accepted, { size: value.size, isTombstone: value.kind === "tombstone" });
  }

  async fetch(...records: readonly LackingRecord[]): Promise<CatchUpResult & { readonly done: readonly string[] }> {
    const done: string[] = [];
    const { signal } = this.stop;
    const fetching = this.#catchUp.fetch(source, records, { signal, onDone: ({ path }) => void done.push(path) });
    let result: CatchUpResult | undefined;
    void fetching.then((ended) => (result = ended));
    while (!result) await this.clock.pass(10);
    return { ...result, done };
  }
}

function lacking(path: string, accepted: Ballot, more: Partial<LackingRecord> = {}): LackingRecord {
  const partition = partitionOf(files, path);
  return { bucket: files, path, partition, layout: 1, accepted, size: 9, isTombstone: false, ...more };
}

const held = async (subject: Subject, path: string) => contentOf(await ask(subject.replica, path, readContent));

describe("a record that is lacking", () => {
  test("comes with its content, under the ballot that it has, as a vote without a promise", async () => {
    const subject = new Subject();
    const result = await subject.fetch(subject.has("a", ballot(7, 2), valueOf(7)));
    expect(result).toMatchObject({ held: 1, failed: 0, leftOut: 0, large: [], done: ["a"] });
    expect(await held(subject, "a")).toBe("content 7");
    expect(subject.settled).toEqual([]);
    const next: ReplicaRequest = prepare(8);
    expect(await ask(subject.replica, "a", next)).toMatchObject({ kind: "state", accepted: ballot(7, 2) });
  });

  test("and is newer at the other node by now: comes as it is", async () => {
    const subject = new Subject();
    subject.has("a", ballot(9), valueOf(9));
    await subject.fetch(lacking("a", ballot(7)));
    expect(await held(subject, "a")).toBe("content 9");
  });

  test("and has come on its own by now: nobody is asked", async () => {
    const subject = new Subject();
    const record = subject.has("a", ballot(7), valueOf(7));
    await ask(subject.replica, "a", accept(7));
    expect(await subject.fetch(record)).toMatchObject({ held: 1, failed: 0 });
    expect(subject.asked).toEqual([]);
  });

  test("and may not be voted for, since more was promised: a round settles it", async () => {
    const subject = new Subject();
    await ask(subject.replica, "a", prepare(50));
    await subject.fetch(subject.has("a", ballot(7), valueOf(7)));
    expect(subject.settled).toEqual(["a"]);
    expect(await ask(subject.replica, "a", readContent)).toMatchObject({ accepted: zeroBallot });
  });

  test("and is below the partition's floor: a round settles it", async () => {
    const subject = new Subject();
    await ask(subject.replica, "a", accept(8, tombstoneOf(8)));
    await ask(subject.replica, "a", { kind: "erase", ballot: ballot(8) });
    await subject.fetch(subject.has("a", ballot(7), valueOf(7)));
    expect(subject.settled).toEqual(["a"]);
  });

  test("and comes with bytes that are not the value's: is not taken, and a round settles it", async () => {
    const subject = new Subject();
    const content = { kind: "inline", bytes: Buffer.from("content 8") } as const;
    await subject.fetch(subject.has("a", ballot(7), { ...valueOf(7), content }));
    expect(subject.damaged).toEqual(["a"]);
    expect(subject.settled).toEqual(["a"]);
    expect(await ask(subject.replica, "a", readContent)).toMatchObject({ accepted: zeroBallot });
  });

  test("and nobody has any more: nothing is to be done", async () => {
    const subject = new Subject();
    subject.answers.set("a", {
      kind: "state",
      accepted: zeroBallot,
      value: undefined,
      committed: zeroBallot,
      floor: 9,
    });
    expect(await subject.fetch(lacking("a", ballot(7)))).toMatchObject({ held: 0, failed: 0 });
    expect(subject.settled).toEqual([]);
  });

  const unhelpful: [string, ReplicaReply | QuorumError][] = [
    ["is damaged over there", { kind: "corrupt" }],
    ["is of another layout by now", { kind: "stale_layout", layout: 2 }],
    ["is refused", { kind: "refused", code: "unavailable", reason: "the node is stopping" }],
    ["is not told in time", new QuorumError({ code: "unavailable", message: "no answer" })],
  ];

  test.each(unhelpful)("and %s: another time; the others come", async (_name, answer) => {
    const subject = new Subject();
    subject.answers.set("a", answer);
    const result = await subject.fetch(lacking("a", ballot(7)), subject.has("b", ballot(3), valueOf(3)));
    expect(result).toMatchObject({ held: 1, failed: 1 });
    expect(subject.settled).toEqual([]);
    expect(await held(subject, "b")).toBe("content 3");
  });

  test("under a layout that has passed here: another time", async () => {
    const subject = new Subject();
    const record = subject.has("a", ballot(7), valueOf(7));
    expect(await subject.fetch({ ...record, layout: 0 })).toMatchObject({ held: 0, failed: 1 });
  });
});

test("a full disk takes no content, and lets files go", async () => {
  const subject = new Subject();
  await ask(subject.replica, "b", accept(1));
  subject.isFull = true;
  const result = await subject.fetch(
    subject.has("a", ballot(7), valueOf(7)),
    subject.has("b", ballot(2), tombstoneOf(2)),
  );
  expect(result).toMatchObject({ held: 1, leftOut: 1, failed: 0 });
  expect(subject.asked).toEqual(["b"]);
});

test("many at a time, so many a second, and of large contents fewer at a time", async () => {
  const subject = new Subject({ recordsPerSecond: 1000, bytesPerSecond: 1e9 });
  const small = Array.from({ length: 500 }, (_, index) => subject.has(`small-${index}`, ballot(1), valueOf(1)));
  const startedAtMs = subject.clock.nowMs();
  expect(await subject.fetch(...small)).toMatchObject({ held: 500 });
  const tookMs = subject.clock.nowMs() - startedAtMs;
  expect(tookMs).toBeGreaterThan(450);
  expect(tookMs).toBeLessThan(700);
  expect(subject.inFlightMax).toBeLessThanOrEqual(64);
  subject.inFlightMax = 0;
  const bytes = new Uint8Array(128 * 1024).fill(7);
  const large = Array.from({ length: 30 }, (_, index) => subject.has(`large-${index}`, ballot(1), valueOf(1, bytes)));
  expect(await subject.fetch(...large)).toMatchObject({ held: 30 });
  expect(subject.inFlightMax).toBeLessThanOrEqual(8);
});

test("given up in the middle: what is under way ends, nothing more begins", async () => {
  const subject = new Subject({ recordsPerSecond: 100, bytesPerSecond: 1e9 });
  const records = Array.from({ length: 100 }, (_, index) => subject.has(`file-${index}`, ballot(1), valueOf(1)));
  subject.clock.after(200, () => subject.stop.abort());
  const { done } = await subject.fetch(...records);
  expect(done.length).toBeGreaterThan(10);
  expect(done.length).toBeLessThan(40);
});
