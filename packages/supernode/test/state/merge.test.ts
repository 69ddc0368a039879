import { describe, expect, test } from "@jest/globals";
import { comparePaths, nodeId } from "@quorumfs/core";
import type { FileState, RangeEntry, ScanRecordsResponse } from "@quorumfs/proto";
import fc from "fast-check";
import { fileStateOf } from "../../src/state/file-state.js";
import { mergeArrived } from "../../src/state/merge-scans.js";
import { NodeScan } from "../../src/state/node-scan.js";
import { entryOf } from "../support/fake-data-node.js";
import { VirtualClock } from "../support/virtual-clock.js";

async function* pagesOf(entries: readonly RangeEntry[], size: number): AsyncGenerator<ScanRecordsResponse> {
  for (let start = 0; start < entries.length; start += size) {
    yield { records: entries.slice(start, start + size).map((entry) => ({ bucket: 1, entry })) };
  }
}

async function merge(scans: readonly NodeScan[]): Promise<FileState[]> {
  const files: FileState[] = [];
  for (;;) {
    for (const { path, copies } of mergeArrived(scans))
      files.push(...[fileStateOf("b", path, copies)].filter((file) => file !== undefined));
    const dry = scans.filter((scan) => scan.isDry);
    if (dry.length === 0) return files;
    await Promise.all(dry.map((scan) => scan.refill()));
  }
}

describe("state of one file", () => {
  const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];

  test("the highest accepted ballot decides; who holds its version holds it at any ballot", () => {
    const newest = entryOf({ bucket: 1, path: "p", counter: 7, size: 70 });
    const settledAgain = { ...newest, accepted: { counter: 9, node: 2, incarnation: 1 } };
    const older = entryOf({ bucket: 1, path: "p", counter: 5, size: 50 });
    const file = fileStateOf("b", "p", [
      { node: one, entry: newest },
      { node: two, entry: settledAgain },
      { node: three, entry: older },
    ]);
    expect(file).toMatchObject({ version: 7, size: 70, holders: [1, 2], behind: [3] });
  });

  test("a tombstone on top: no file; below: a file", () => {
    const grave = entryOf({ bucket: 1, path: "p", counter: 8, tombstone: true });
    const before = entryOf({ bucket: 1, path: "p", counter: 7 });
    const after = entryOf({ bucket: 1, path: "p", counter: 9 });
    expect(
      fileStateOf("b", "p", [
        { node: one, entry: grave },
        { node: two, entry: before },
      ]),
    ).toBeUndefined();
    expect(
      fileStateOf("b", "p", [
        { node: one, entry: grave },
        { node: two, entry: after },
      ]),
    ).toMatchObject({
      version: 9,
      holders: [2],
      behind: [1],
    });
  });

  test("a damaged record counts as behind, and alone as a file without a version", () => {
    const damaged = entryOf({ bucket: 1, path: "p", counter: 0, corrupt: true });
    const good = entryOf({ bucket: 1, path: "p", counter: 3 });
    expect(
      fileStateOf("b", "p", [
        { node: one, entry: damaged },
        { node: two, entry: good },
      ]),
    ).toMatchObject({
      version: 3,
      holders: [2],
      behind: [1],
    });
    expect(fileStateOf("b", "p", [{ node: one, entry: damaged }])).toMatchObject({
      version: 0,
      holders: [],
      behind: [1],
    });
  });
});

describe("merge of scans", () => {
  test("any nodes, any pages: every path once, in byte order, with all its copies", async () => {
    const path = fc.string({ unit: fc.constantFrom("a", "b", "é", "\u{10000}", "\uffee"), minLength: 1, maxLength: 3 });
    const record = fc.record({ path, counter: fc.integer({ min: 1, max: 5 }), tombstone: fc.boolean() });
    const contents = fc.uniqueArray(record, { selector: (one) => one.path, maxLength: 20 });
    const node = fc.record({ contents, pageSize: fc.integer({ min: 1, max: 7 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(node, { maxLength: 5 }), async (nodes) => {
        const clock = new VirtualClock();
        const byPath = new Map<string, { node: ReturnType<typeof nodeId>; entry: RangeEntry }[]>();
        const scans = nodes.map(({ contents: files, pageSize }, index) => {
          const id = nodeId(index + 1);
          const entries = files
            .map((file) => entryOf({ bucket: 1, ...file }))
            .sort((x, y) => comparePaths(x.path, y.path));
          for (const entry of entries) byPath.set(entry.path, [...(byPath.get(entry.path) ?? []), { node: id, entry }]);
          return new NodeScan({ node: id, pages: pagesOf(entries, pageSize), clock });
        });
        const expected = [...byPath]
          .sort(([x], [y]) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
          .map(([name, copies]) => fileStateOf("b", name, copies))
          .filter((file) => file !== undefined);
        expect(await merge(scans)).toEqual(expected);
      }),
    );
  });

  test("a node that stays silent is given up after 3 s, and the others' files come", async () => {
    const clock = new VirtualClock();
    const silent = async function* (): AsyncGenerator<ScanRecordsResponse> {
      yield { records: [{ bucket: 1, entry: entryOf({ bucket: 1, path: "a", counter: 1 }) }] };
      await new Promise(() => undefined);
    };
    const good = [entryOf({ bucket: 1, path: "a", counter: 1 }), entryOf({ bucket: 1, path: "b", counter: 1 })];
    const scans = [
      new NodeScan({ node: nodeId(1), pages: silent(), clock }),
      new NodeScan({ node: nodeId(2), pages: pagesOf(good, 1), clock }),
    ];
    const merged = merge(scans);
    await clock.advance(3000);
    expect((await merged).map(({ path, holders }) => [path, holders])).toEqual([
      ["a", [1, 2]],
      ["b", [2]],
    ]);
    expect(scans.map((scan) => scan.hasFailed)).toEqual([true, false]);
  });
});
