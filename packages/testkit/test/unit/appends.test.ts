import { describe, expect, test } from "@jest/globals";
import { checkLinearizable, type Operation } from "@quorumfs/workload-generator";
import { asWrites, nameOfEtag } from "../../src/system/workload/appends.js";
import { Contents } from "../../src/system/workload/contents.js";
import type { Append } from "../../src/system/workload/history.js";

const file = "box/log";

/** A put of `a`, appends of `b` and of `c` behind one another, and a read of what `seen` puts together. */
function history(options: { seen: readonly string[]; outcomeOfB?: "unknown" | "failed"; byEtag?: boolean }) {
  const { seen, outcomeOfB, byEtag = false } = options;
  const contents = new Contents();
  const pieces = new Map(["a", "b", "c"].map((id) => [id, contents.make(id, 20 + id.charCodeAt(0))]));
  const joined = (ids: readonly string[]) => Buffer.concat(ids.map((id) => pieces.get(id) ?? Buffer.alloc(0)));
  const other = new Contents();
  for (const id of pieces.keys()) other.make(id, 20 + id.charCodeAt(0));
  // By the etags alone, as a listing tells them.
  const etagOf = (ids: readonly string[]) => other.etagOf(other.identify(joined(ids)) ?? "");
  const value = byEtag ? nameOfEtag(contents, etagOf(seen)) : contents.identify(joined(seen));
  const timed = (startedAt: number) => ({ file, client: "c1", startedAt, endedAt: startedAt + 1 });
  const operations: readonly Operation[] = [
    { kind: "write", ...timed(0), value: "a", outcome: { kind: "done", version: 1 } },
    { kind: "read", ...timed(9), outcome: { kind: "found", value: value ?? "torn" } },
  ];
  const madeOfC = outcomeOfB ? (seen.includes("b") ? ["a", "b", "c"] : ["a", "c"]) : ["a", "b", "c"];
  const appends: readonly Append[] = [
    {
      ...timed(2),
      piece: "b",
      outcome: outcomeOfB ? { kind: outcomeOfB } : { kind: "done", version: 2, etag: etagOf(["a", "b"]) },
    },
    { ...timed(4), piece: "c", outcome: { kind: "done", version: 3, etag: etagOf(madeOfC) } },
  ];
  return checkLinearizable(asWrites({ operations, appends, contents })).ok;
}

describe("appends in a history", () => {
  test.each([true, false])("all there, in their order (seen by its etag: %s)", (byEtag) => {
    expect(history({ seen: ["a", "b", "c"], byEtag })).toBe(true);
  });

  test.each([
    ["lost", ["a", "c"]],
    ["doubled", ["a", "b", "b", "c"]],
    ["doubled at the end", ["a", "b", "c", "c"]],
    ["out of its place", ["a", "c", "b"]],
    ["what it was appended to is gone", ["b", "c"]],
  ])("one is %s", (_, seen) => {
    expect(history({ seen })).toBe(false);
    expect(history({ seen, byEtag: true })).toBe(false);
  });

  test.each([true, false])("one of unknown outcome is there, or is not (seen by its etag: %s)", (byEtag) => {
    expect(history({ seen: ["a", "b", "c"], outcomeOfB: "unknown", byEtag })).toBe(true);
    expect(history({ seen: ["a", "c"], outcomeOfB: "unknown", byEtag })).toBe(true);
    expect(history({ seen: ["a", "b", "b", "c"], outcomeOfB: "unknown", byEtag })).toBe(false);
  });

  test("one that was said to have had no effect had one", () => {
    expect(history({ seen: ["a", "b", "c"], outcomeOfB: "failed" })).toBe(false);
  });

  test("a torn one is no content", () => {
    const contents = new Contents();
    const piece = contents.make("a", 100);
    expect(contents.identify(Buffer.concat([piece, piece.subarray(0, 99)]))).toBeUndefined();
  });
});
