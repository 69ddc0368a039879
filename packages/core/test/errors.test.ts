import { describe, expect, test } from "@jest/globals";
import { QuorumError, bucketId, errorCodes, exitCodeOf, nodeId } from "../src/index.js";

describe("errors", () => {
  test("what is thrown is passed on if it is ours, and otherwise becomes internal with its cause", () => {
    const ours = new QuorumError({ code: "not_found", message: "no such file" });
    expect(QuorumError.from(ours)).toBe(ours);
    const cause = new TypeError("x is not a function");
    expect(QuorumError.from(cause)).toMatchObject({ code: "internal", message: "x is not a function", cause });
    expect(QuorumError.from("boom")).toMatchObject({ code: "internal", message: "boom" });
  });

  test("only what had no effect and may work next time is retryable", () => {
    const retryable = errorCodes.filter((code) => new QuorumError({ code, message: "" }).retryable);
    expect(retryable).toEqual(["unavailable", "resource_exhausted", "quorum_unavailable"]);
  });

  test("exit codes", () => {
    expect(Object.fromEntries(errorCodes.map((code) => [code, exitCodeOf(code)]))).toEqual({
      invalid_argument: 2,
      not_found: 3,
      precondition_failed: 4,
      unavailable: 5,
      resource_exhausted: 5,
      quorum_unavailable: 6,
      corrupt: 7,
      permission_denied: 8,
      unknown_outcome: 9,
      cancelled: 130,
      internal: 1,
    });
  });
});

describe("ids", () => {
  test.each([0, -1, 1.5, NaN, 2 ** 32])("%s is no id", (value) => {
    expect(() => nodeId(value)).toThrow(RangeError);
    expect(() => bucketId(value)).toThrow(RangeError);
  });

  test.each([1, 2 ** 32 - 1])("%s is one", (value) => {
    expect(nodeId(value)).toBe(value);
    expect(bucketId(value)).toBe(value);
  });
});
