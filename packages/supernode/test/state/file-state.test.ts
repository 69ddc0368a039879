import { describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { fileOf } from "../../src/state/file-state.js";
import { entryOf } from "../support/fake-data-node.js";

describe("state of one file", () => {
  const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];

  test("the highest accepted ballot decides; who holds its version holds it at any ballot", () => {
    const newest = entryOf({ bucket: 1, path: "p", counter: 7, size: 70 });
    const settledAgain = { ...newest, accepted: { counter: 9, node: 2, incarnation: 1 } };
    const older = entryOf({ bucket: 1, path: "p", counter: 5, size: 50 });
    const file = fileOf("p", [
      { node: one, entry: newest },
      { node: two, entry: settledAgain },
      { node: three, entry: older },
    ]);
    expect(file).toMatchObject({ version: { counter: 7 }, size: 70, holders: [1, 2], behind: [3] });
  });

  test("a tombstone on top: no file; below: a file", () => {
    const grave = entryOf({ bucket: 1, path: "p", counter: 8, tombstone: true });
    const before = entryOf({ bucket: 1, path: "p", counter: 7 });
    const after = entryOf({ bucket: 1, path: "p", counter: 9 });
    expect(
      fileOf("p", [
        { node: one, entry: grave },
        { node: two, entry: before },
      ]),
    ).toBeUndefined();
    expect(
      fileOf("p", [
        { node: one, entry: grave },
        { node: two, entry: after },
      ]),
    ).toMatchObject({
      version: { counter: 9 },
      holders: [2],
      behind: [1],
    });
  });

  test("a damaged record counts as behind, and alone as a file without a version", () => {
    const damaged = entryOf({ bucket: 1, path: "p", counter: 0, corrupt: true });
    const good = entryOf({ bucket: 1, path: "p", counter: 3 });
    expect(
      fileOf("p", [
        { node: one, entry: damaged },
        { node: two, entry: good },
      ]),
    ).toMatchObject({
      version: { counter: 3 },
      holders: [2],
      behind: [1],
    });
    expect(fileOf("p", [{ node: one, entry: damaged }])).toMatchObject({
      version: { counter: 0 },
      holders: [],
      behind: [1],
    });
  });
});
