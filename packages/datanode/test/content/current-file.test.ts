import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { finished } from "../../src/content/current-file.js";
import type { Done } from "../../src/coordinator/coordinator.js";

describe("an operation as a promise", () => {
  it("ends at once, or later, or with an error: nothing of it stays at the signal", async () => {
    const { signal } = new AbortController();
    const failure = new QuorumError({ code: "unavailable", message: "no" });
    const ways: ((done: Done<string>) => void)[] = [
      (done) => done(undefined, "a"),
      (done) => queueMicrotask(() => done(undefined, "a")),
      (done) => done(failure, undefined),
    ];
    for (const way of ways) {
      const operation = finished<string>((done) => {
        way(done);
        return () => undefined;
      }, signal);
      await operation.catch(() => undefined);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    }
  });

  it("is given up with the signal", () => {
    const stop = new AbortController();
    let given = 0;
    void finished<string>(() => () => (given += 1), stop.signal);
    stop.abort();
    expect(given).toBe(1);
    void finished<string>(() => () => (given += 1), stop.signal);
    expect(given).toBe(2);
  });
});
