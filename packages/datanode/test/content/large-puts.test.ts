import { describe, expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { LargePuts, type LargePutRequest } from "../../src/content/large-puts.js";
import type { UploadVerdict } from "../../src/content/upload-check.js";
import type { Mutated, MutateRequest } from "../../src/coordinator/coordinator.js";
import { settle, StepClock } from "../support/step-clock.js";
import { clusterOf, extent, upload } from "./fixture.js";

const { view, bucket } = clusterOf(3);
const manifest = { extents: [extent(1)], hashState: new Uint8Array(0) };

class Subject {
  readonly clock = new StepClock();
  readonly mutations: MutateRequest[] = [];
  /** Ends the check. */
  verdict: (verdict: UploadVerdict) => void = () => {};
  checked: AbortSignal | undefined;
  readonly puts = new LargePuts({
    clock: this.clock,
    check: {
      check: (_request, signal) =>
        new Promise((resolve, reject) => {
          this.verdict = resolve;
          const abort = () => reject(new QuorumError({ code: "cancelled", message: "given up" }));
          signal.addEventListener("abort", abort);
        }),
    },
    coordinator: {
      mutate: (request, done) => {
        this.mutations.push(request);
        done(undefined, this.#mutated(request));
        return () => {};
      },
      settle: () => {
        throw new Error("nothing is to be settled");
      },
    },
  });

  #mutated({ path, requestId }: MutateRequest): Mutated {
    const place = view.place(bucket, path);
    if (!place) throw new Error("every file has its place");
    const version = { counter: 1, node: 1, incarnation: 1 };
    const value = {
      kind: "live",
      version,
      size: 1,
      etag: requestId,
      modifiedAtMs: 0,
      content: { kind: "omitted" },
      attributes: new Map<string, string>(),
      ring: [],
    } as const;
    return { value, version: 1, replaced: undefined, acknowledged: [], place };
  }

  put(): { readonly outcome: Promise<unknown>; readonly cancel: () => void } {
    const intent = {
      kind: "put",
      size: 1,
      etag: new Uint8Array(32),
      content: { kind: "manifest", bytes: new Uint8Array(0) },
      attributes: new Map<string, string>(),
    } as const;
    const request: LargePutRequest = {
      bucket,
      path: "a",
      deadlineMs: this.clock.nowMs() + 10_000,
      intent,
      manifest,
      condition: { kind: "none" },
      requestId: upload(1),
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
    };
    let cancel = () => {};
    const outcome = new Promise((resolve, reject) => {
      cancel = this.puts.put(request, (error, result) => (result ? resolve(result) : reject(QuorumError.from(error))));
    });
    return { outcome, cancel };
  }
}

describe("a large put", () => {
  test("carries the time from before its chunks were asked for, so that a pause in between shows", async () => {
    const subject = new Subject();
    const startedAtMs = subject.clock.wallMs();
    const { outcome } = subject.put();
    await settle();
    await subject.clock.pass(9000);
    subject.verdict({ kind: "durable", ranges: [] });
    await outcome;
    expect(subject.mutations).toMatchObject([{ modifiedAtMs: startedAtMs }]);
  });

  test("the check takes all the time there is: unavailable, and nothing is voted on", async () => {
    const subject = new Subject();
    const { outcome } = subject.put();
    const expectation = expect(outcome).rejects.toMatchObject({ code: "unavailable" });
    await subject.clock.pass(10_000);
    await expectation;
    expect(subject.mutations).toEqual([]);
    expect(subject.clock.timers).toBe(0);
  });

  test("its caller goes while it is checked: cancelled, and nothing is voted on", async () => {
    const subject = new Subject();
    const { outcome, cancel } = subject.put();
    await settle();
    cancel();
    await expect(outcome).rejects.toMatchObject({ code: "cancelled" });
    expect(subject.mutations).toEqual([]);
    expect(subject.clock.timers).toBe(0);
  });
});
