import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { bucketId, partitionOf } from "@quorumfs/core";
import {
  AdminServiceService,
  ClusterServiceService,
  GetFileSystemStateRequest,
  ListFilesOnNodeRequest,
} from "@quorumfs/proto";
import { settle } from "../support/virtual-clock.js";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture();
  await fixture.start();
  await fixture.startNodes(3);
  await fixture.createBucket("archive");
});

afterEach(() => fixture.stop());

const everywhere = (path: string, counter: number, bucket = 1) =>
  [1, 2, 3].map((node) => ({ node, path, counter, bucket }));

function put(
  copies: readonly { node: number; bucket: number; path: string; counter: number; tombstone?: boolean }[],
): void {
  for (const { node, ...file } of copies) {
    fixture.node(node).files = [...fixture.node(node).files, { size: file.counter * 10, ...file }];
  }
}

describe("file-system state", () => {
  test("every file once, by bucket and path, with holders and those behind", async () => {
    put([...everywhere("b", 2), ...everywhere("a/x", 1), ...everywhere("z", 5, 2)]);
    put([
      { node: 1, bucket: 1, path: "old", counter: 4 },
      { node: 2, bucket: 1, path: "old", counter: 3 },
      { node: 1, bucket: 1, path: "deleted", counter: 4, tombstone: true },
      { node: 2, bucket: 1, path: "deleted", counter: 3 },
    ]);
    const { files, summary } = await fixture.state();
    expect(
      files.map(({ bucket, path, version, holders, behind }) => [`${bucket}/${path}`, version, holders, behind]),
    ).toEqual([
      ["archive/z", 5, [1, 2, 3], []],
      ["files/a/x", 1, [1, 2, 3], []],
      ["files/b", 2, [1, 2, 3], []],
      ["files/old", 4, [1], [2]],
    ]);
    expect(summary).toEqual({ files: 4, bytes: 120, underReplicated: 1, unreachable: [], truncated: false });
  });

  test("one bucket, one prefix", async () => {
    put([...everywhere("a/x", 1), ...everywhere("b", 1), ...everywhere("a/y", 1, 2)]);
    const { files } = await fixture.state({ bucket: "files", prefix: "a/" });
    expect(files.map(({ path }) => path)).toEqual(["a/x"]);
    await expect(fixture.state({ bucket: "nope" })).rejects.toMatchObject({ code: "not_found" });
    await expect(fixture.state({ prefix: "a\u0000" })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("thousands of files come in messages of a bounded size", async () => {
    put(Array.from({ length: 2500 }, (_, index) => ({ node: 1, bucket: 1, path: `f${index}`, counter: 1 })));
    const request = GetFileSystemStateRequest.fromPartial({});
    const pages = [];
    for await (const page of fixture.channel.serverStream(ClusterServiceService.getFileSystemState, request, {})) {
      pages.push(page.files.length);
    }
    expect(pages.reduce((sum, files) => sum + files, 0)).toBe(2500);
    expect(Math.max(...pages)).toBeLessThanOrEqual(1000);
  });

  test("a DataNode is down: the others' files, and who is missing", async () => {
    put(everywhere("a", 1));
    await fixture.node(2).kill();
    await fixture.clock.advance(3000);
    const { files, summary } = await fixture.state();
    expect(files).toMatchObject([{ path: "a", holders: [1, 3] }]);
    expect(summary).toMatchObject({ files: 1, underReplicated: 1, unreachable: [2] });
  });

  test("a DataNode has gone just now, another hangs: the same, within 3 s", async () => {
    put(everywhere("a", 1));
    await fixture.node(2).kill();
    fixture.network.mute.add(fixture.node(3).address);
    await settle();
    const state = fixture.state();
    await fixture.clock.advance(3000);
    expect(await state).toMatchObject({ files: [{ path: "a", holders: [1] }], summary: { unreachable: [2, 3] } });
  });

  test("what one DataNode holds, and whether it is the newest", async () => {
    put(everywhere("a", 1));
    put([
      { node: 1, bucket: 1, path: "b", counter: 4 },
      { node: 2, bucket: 1, path: "b", counter: 3 },
      { node: 3, bucket: 1, path: "c", counter: 3 },
    ]);
    const { files, summary } = await fixture.state({ node: 2 });
    expect(files.map(({ path, version, behind }) => [path, version, behind])).toEqual([
      ["a", 1, []],
      ["b", 4, [2]],
    ]);
    expect(summary).toMatchObject({ files: 2 });
    await expect(fixture.state({ node: 9 })).rejects.toMatchObject({ code: "not_found" });
    const none = fixture.channel.serverStream(
      ClusterServiceService.listFilesOnNode,
      ListFilesOnNodeRequest.fromPartial({}),
      {},
    );
    await expect(none[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("many at once wait for each other, and all are answered", async () => {
    put(everywhere("a", 1));
    const states = await Promise.all(Array.from({ length: 40 }, () => fixture.state()));
    expect(states.every(({ summary }) => summary.files === 1)).toBe(true);
  });

  test("who leaves in the middle stops the DataNodes", async () => {
    put(Array.from({ length: 2500 }, (_, index) => ({ node: 1, bucket: 1, path: `f${index}`, counter: 1 })));
    for (let index = 0; index < 10; index += 1) {
      const request = GetFileSystemStateRequest.fromPartial({});
      const pages = fixture.channel.serverStream(ClusterServiceService.getFileSystemState, request, {});
      for await (const page of pages) if (page.files.length > 0) break;
    }
    expect((await fixture.state()).summary.files).toBe(2500);
  });

  test("callers that stop reading lose their turn after 30 s, and others get it", async () => {
    put(Array.from({ length: 2500 }, (_, index) => ({ node: 1, bucket: 1, path: `f${index}`, counter: 1 })));
    const request = GetFileSystemStateRequest.fromPartial({});
    const idle = Array.from({ length: 4 }, () =>
      fixture.channel.serverStream(ClusterServiceService.getFileSystemState, request, {})[Symbol.asyncIterator](),
    );
    for (const reader of idle) await reader.next();
    const waiting = fixture.state();
    await fixture.clock.advance(29_000);
    for (const node of fixture.nodes) await node.join();
    await fixture.clock.advance(1000);
    expect((await waiting).summary.files).toBe(2500);
    await expect(idle[0]?.next()).rejects.toMatchObject({ code: "cancelled" });
    for (const reader of idle) await reader.return?.();
  });
});

describe("while partitions move", () => {
  /** Paths whose partition is joint, and whose is not. */
  async function paths(): Promise<{ readonly joint: string; readonly still: string }> {
    const { layout } = await fixture.cluster();
    const isJoint = (path: string): boolean => layout?.partitions[partitionOf(bucketId(1), path)]?.joining.length !== 0;
    const some = Array.from({ length: 100 }, (_, index) => `f${index}`);
    return { joint: some.find(isJoint) ?? "", still: some.find((path) => !isJoint(path)) ?? "" };
  }

  beforeEach(async () => {
    await fixture.startNodes(1);
    fixture.node(4).takesOver = false;
    await fixture.apply();
    await fixture.clock.advance(1000);
  });

  test("who takes over is a holder, and does not count as one yet", async () => {
    const { joint } = await paths();
    put([1, 2, 4].map((node) => ({ node, path: joint, counter: 2, bucket: 1 })));
    const { files, summary } = await fixture.state();
    expect(files).toMatchObject([{ path: joint, holders: [1, 2, 4], behind: [] }]);
    expect(summary.underReplicated).toBe(1);
    put([{ node: 3, path: joint, counter: 2, bucket: 1 }]);
    expect((await fixture.state()).summary.underReplicated).toBe(0);
  });

  test("a record on a node that the partition is not on is no file, and holds no bucket back", async () => {
    const { still } = await paths();
    put([{ node: 4, path: still, counter: 9, bucket: 1 }]);
    expect((await fixture.state()).files).toEqual([]);
    put(everywhere(still, 2));
    expect((await fixture.state()).files).toMatchObject([{ path: still, version: 2, holders: [1, 2, 3], behind: [] }]);
  });

  test("a bucket is deleted without who is lost", async () => {
    await fixture.node(4).kill();
    await fixture.clock.advance(4000);
    for (const node of fixture.nodes) node.takesOver = false;
    await fixture.apply({ 4: "lost" });
    const deleted = fixture.channel.unary(AdminServiceService.deleteBucket, { name: "archive" }, {});
    await fixture.clock.advance(2000);
    await deleted;
    expect((await fixture.cluster()).buckets.map(({ name }) => name)).toEqual(["files"]);
  });
});
