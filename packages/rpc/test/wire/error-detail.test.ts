import { describe, expect, test } from "@jest/globals";
import { type ErrorCode, errorCodes, QuorumError } from "@quorumfs/core";
import { ErrorDetail } from "@quorumfs/proto";
import { errorFromDetail, errorToDetail } from "../../src/index.js";

function roundTrip(error: QuorumError): QuorumError {
  return errorFromDetail(ErrorDetail.decode(ErrorDetail.encode(errorToDetail(error)).finish()));
}

describe("error detail", () => {
  test.each(errorCodes)("%s survives the wire", (code: ErrorCode) => {
    const back = roundTrip(new QuorumError({ code, message: `this is ${code}` }));
    expect(back).toMatchObject({ code, message: `this is ${code}`, details: {} });
  });

  test("so do all details that are meant for the caller", () => {
    const details = {
      needed: 2,
      got: 0,
      nodes: [{ node: 1, reason: "connection refused" }],
      retryAfterMs: 50,
      currentVersion: 0,
      requestId: "00ff",
    };
    const back = roundTrip(new QuorumError({ code: "quorum_unavailable", message: "", details }));
    expect(back.details).toEqual(details);
  });

  test.each(["rolled_back", "retired", "number_taken", "foreign", "in_use"] as const)(
    "a store that is %s",
    (storeFault) => {
      expect(
        roundTrip(new QuorumError({ code: "permission_denied", message: "", details: { storeFault } })).details,
      ).toEqual({ storeFault });
    },
  );

  test("what only the sender knows stays behind", () => {
    const error = new QuorumError({ code: "unavailable", message: "", details: { mayHaveRun: true }, cause: "secret" });
    const back = roundTrip(error);
    expect(back.details).toEqual({});
    expect(back.cause).toBeUndefined();
  });

  test("a code of a later version is internal", () => {
    const detail = ErrorDetail.decode(Uint8Array.from([0x08, 99]));
    expect(errorFromDetail(detail).code).toBe("internal");
  });
});
