import { describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { errorOfOutcome } from "../../src/coordinator/outcome-errors.js";

describe("no quorum", () => {
  const nodes = [{ node: nodeId(3), reason: "connection refused" }];

  test.each([
    [{ needed: 2, got: 1, nodes }, "needed 2 answers, got 1 (node 3: connection refused)"],
    [{ needed: 1, got: 0, nodes: [] }, "needed 1 answer, got 0"],
    [
      { needed: 1, got: 1, nodes: [] },
      "1 of the 1 answers needed came, and what they say could not be settled in time",
    ],
  ])("%j", (shortfall, message) => {
    const error = errorOfOutcome({ kind: "quorum_unavailable", ...shortfall }, "files/x");
    expect(error).toMatchObject({ code: "quorum_unavailable", message });
  });
});
