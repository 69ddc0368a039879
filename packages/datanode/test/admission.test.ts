import { describe, expect, it } from "@jest/globals";
import { Admission } from "../src/admission.js";

describe("admission", () => {
  it("refuses at the limit of operations, and lets in again when one has left", () => {
    const admission = new Admission({ operationsMax: 2, contentBytesMax: 1000 });
    expect(admission.enter(1)).toBeUndefined();
    expect(admission.enter(1)).toBeUndefined();
    expect(admission.enter(1)).toMatchObject({ code: "resource_exhausted", details: { retryAfterMs: 50 } });
    admission.leave(1);
    expect(admission.enter(1)).toBeUndefined();
    expect({ inFlight: admission.inFlight, finished: admission.finished }).toEqual({ inFlight: 2, finished: 1 });
  });

  it("refuses what would hold too many bytes", () => {
    const admission = new Admission({ operationsMax: 10, contentBytesMax: 1000 });
    expect(admission.enter(600)).toBeUndefined();
    expect(admission.enter(600)).toMatchObject({ code: "resource_exhausted" });
    expect(admission.enter(400)).toBeUndefined();
  });

  it("lets a single operation in whatever it holds", () => {
    const admission = new Admission({ operationsMax: 10, contentBytesMax: 10 });
    expect(admission.enter(1000)).toBeUndefined();
  });
});
