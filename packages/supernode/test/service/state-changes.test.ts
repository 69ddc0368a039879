/** State queries while the world goes on. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ClusterServiceService, GetFileSystemStateRequest, ScanPart, type ScanWindowRequest } from "@quorumfs/proto";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture();
  await fixture.start();
  await fixture.startNodes(3);
});

afterEach(() => fixture.stop());

const paths = Array.from({ length: 40 }, (_, index) => `f${String(index).padStart(3, "0")}`);

function store(node: number, counters: (path: string) => number): void {
  const youngMs = fixture.clock.wallMs();
  fixture.node(node).files = paths.map((path) => ({ bucket: 1, path, counter: counters(path), modifiedAtMs: youngMs }));
}

const isForCopies = ({ parts }: ScanWindowRequest): boolean => parts.includes(ScanPart.SCAN_PART_COPIES);

describe("a state query", () => {
  test("a node dies half-way: it is named, and each file told once", async () => {
    for (const node of [1, 2, 3]) {
      store(node, () => 1);
      fixture.node(node).windowRecords = 7;
    }
    let windows = 0;
    fixture.node(2).onWindow = () => {
      windows += 1;
      if (windows === 3) throw new Error("gone");
    };
    const { files, summary } = await fixture.state();
    expect(files.map(({ path }) => path)).toEqual(paths);
    expect(summary.unreachable).toEqual([2]);
    expect(summary.underReplicated).toBeGreaterThan(0);
    expect(files.filter(({ holders }) => holders.length < 3)).toHaveLength(summary.underReplicated);
  });

  test("all nodes die half-way: what was told until then, and who is missing", async () => {
    for (const node of [1, 2, 3]) {
      store(node, () => 1);
      fixture.node(node).windowRecords = 7;
      let windows = 0;
      fixture.node(node).onWindow = () => {
        windows += 1;
        if (windows >= 3) throw new Error("gone");
      };
    }
    const { files, summary } = await fixture.state();
    expect(files.map(({ path }) => path)).toEqual(paths.slice(0, files.length));
    expect(summary).toMatchObject({ files: files.length, unreachable: [1, 2, 3] });
  });

  test("a write that was on its way to the third node is no lack of copies", async () => {
    for (const node of [1, 2]) store(node, () => 5);
    store(3, (path) => (path === "f007" ? 4 : 5));
    let looks = 0;
    fixture.node(3).onWindow = (request) => {
      if (!isForCopies(request)) return;
      looks += 1;
      // It arrives between the two looks, and a newer one at the others as well.
      if (looks === 2) store(3, () => 5);
    };
    fixture.node(1).onWindow = (request) => {
      if (isForCopies(request) && looks === 1) store(1, (path) => (path === "f007" ? 6 : 5));
    };
    const { files, summary } = await fixture.state();
    expect(looks).toBe(2);
    expect(files.every(({ holders, behind }) => holders.length === 3 && behind.length === 0)).toBe(true);
    expect(summary.underReplicated).toBe(0);
  });

  test("a write that did not arrive is one, and the newest version is told", async () => {
    for (const node of [1, 2]) store(node, () => 5);
    store(3, (path) => (path === "f007" ? 4 : 5));
    const { files, summary } = await fixture.state();
    expect(files.filter(({ behind }) => behind.length > 0)).toMatchObject([
      { path: "f007", version: 5, holders: [1, 2], behind: [3] },
    ]);
    expect(summary.underReplicated).toBe(1);
  });

  test("nodes that look at few records at a time: the whole is told all the same", async () => {
    for (const [node, records] of [
      [1, 11],
      [2, 3],
      [3, 5],
    ] as const) {
      store(node, (path) => (path === "f020" && node === 3 ? 1 : 2));
      fixture.node(node).windowRecords = records;
    }
    const { files } = await fixture.state();
    expect(files.map(({ path }) => path)).toEqual(paths);
    expect(files.filter(({ behind }) => behind.length > 0).map(({ path }) => path)).toEqual(["f020"]);
  });
});

test.each([
  [{ filter: { sizeMin: 5, sizeMax: 4 } }, "no file has at least 5 and at most 4 bytes"],
  [{ limit: 5, totalsOnly: true }, "a limit is for files"],
  [{ afterBucket: "files" }, "after_path"],
  [{ afterPath: "a" }, "after_bucket"],
  [{ filter: { bucket: "files" }, afterBucket: "archive", afterPath: "a" }, "cannot resume in bucket archive"],
  [{ afterBucket: "files", afterPath: "a//b" }, "empty segment"],
  [{ filter: { bucket: "No" } }, "is not allowed"],
  [{ filter: { health: 9 as never } }, "is not known"],
])("%j is refused: %s", async (request, message) => {
  const { channel } = fixture;
  const answers = channel.serverStream(
    ClusterServiceService.getFileSystemState,
    GetFileSystemStateRequest.fromPartial(request),
    {},
  );
  await expect(answers[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining(message),
  });
});
