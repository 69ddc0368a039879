import { afterEach, describe, expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import type { ChunkKey } from "../../src/chunk/chunk-key.js";
import { MissingChunks } from "../../src/content/missing-chunks.js";
import { settle, StepClock } from "../support/step-clock.js";
import { owner, upload } from "./fixture.js";

class Subject {
  readonly clock = new StepClock();
  readonly begun: number[] = [];
  readonly ends: ((error?: QuorumError) => void)[] = [];
  busy = false;
  tell: (key: ChunkKey) => void = () => {};
  readonly missing = new MissingChunks({
    chunks: {
      onMissing: (listener) => (this.tell = listener),
      begin: () => Promise.resolve("held"),
    },
    fetch: {
      fetch: ({ index }) =>
        new Promise<void>((resolve, reject) => {
          this.begun.push(index);
          this.ends.push((error) => (error ? reject(error) : resolve()));
        }),
    },
    clock: this.clock,
    log: silentLog,
    isBusy: () => this.busy,
  });

  tellOf(index: number): void {
    this.tell({ owner, upload: upload(1), index });
  }
}

let subject: Subject;
afterEach(async () => {
  const closing = subject.missing.close();
  for (const end of subject.ends) end();
  await closing;
});

describe("chunks that belong here and are missing", () => {
  test("are fetched two at a time, each once however often it is told of", async () => {
    subject = new Subject();
    for (const index of [1, 2, 3, 3, 1]) subject.tellOf(index);
    await settle();
    expect(subject.begun).toEqual([1, 2]);
    subject.ends[0]?.();
    await settle();
    expect(subject.begun).toEqual([1, 2, 3]);
    expect(subject.missing.fetched).toBe(1);
  });

  test("a failure ends the try; told of again, it is tried again", async () => {
    subject = new Subject();
    subject.tellOf(1);
    await settle();
    subject.ends[0]?.(new QuorumError({ code: "unavailable", message: "no replica" }));
    await settle();
    expect(subject.missing).toMatchObject({ size: 0, fetched: 0 });
    subject.tellOf(1);
    await settle();
    expect(subject.begun).toEqual([1, 1]);
  });

  test("wait while clients need the node, but not for ever", async () => {
    subject = new Subject();
    subject.busy = true;
    subject.tellOf(1);
    await subject.clock.pass(500);
    expect(subject.begun).toEqual([]);
    await subject.clock.pass(600);
    expect(subject.begun).toEqual([1]);
  });

  test("no more wait than there is room for", () => {
    subject = new Subject();
    for (let index = 0; index < 10_000; index += 1) subject.tellOf(index);
    expect(subject.missing.size).toBe(4096 + 2);
  });
});
