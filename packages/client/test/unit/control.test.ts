import { afterEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { AdminServiceService, type Bucket, ClusterServiceService, Durability, type FilePage } from "@quorumfs/proto";
import { connect, type FileState, type QuorumFs } from "../../src/index.js";
import { FakeCluster, superNodeAddress } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

const bucket: Bucket = {
  id: 2,
  name: "logs",
  readQuorum: 1,
  writeQuorum: 3,
  durability: Durability.DURABILITY_MEMORY,
  createdAtMs: 0,
  deleting: false,
};

/** A cluster whose SuperNode answers calls as the test says. */
async function open(
  answer: (path: string, request: unknown) => unknown,
): Promise<{ cluster: FakeCluster; fs: QuorumFs }> {
  const cluster = new FakeCluster();
  const superNode = cluster.network.servers.get(superNodeAddress);
  cluster.network.servers.set(superNodeAddress, {
    ...superNode,
    unary: async (path, request) => answer(path, request),
  });
  client = await cluster.connect();
  return { cluster, fs: client };
}

const lost = (mayHaveRun: boolean) =>
  new QuorumError({ code: "unavailable", message: "connection lost", details: { mayHaveRun } });

describe("connect", () => {
  it("nobody there: says what to start", async () => {
    const cluster = new FakeCluster();
    const { network, clock } = cluster;
    const random = { fraction: () => 0, bytes: (length: number) => new Uint8Array(length) };
    const attempt = connect({ endpoints: ["nowhere:1"], timeoutMs: 3000, network, clock, random });
    await expect(clock.settle(attempt)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/^no SuperNode answers at nowhere:1 .*npm start/),
    });
    expect(clock.nowMs()).toBe(3000);
  });

  it("one of several endpoints answers", async () => {
    const { network, clock } = new FakeCluster();
    const random = { fraction: () => 0, bytes: (length: number) => new Uint8Array(length) };
    client = await clock.settle(connect({ endpoints: ["nowhere:1", superNodeAddress], network, clock, random }));
    expect(clock.nowMs()).toBeLessThan(1000);
  });

  it.each(["nowhere", "nowhere:0", "nowhere:70000", ":1"])("endpoint %s: refused", async (endpoint) => {
    await expect(connect({ endpoints: [endpoint] })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("the address now belongs to another cluster: the known one stays in force", async () => {
    const { cluster, fs } = await open(() => undefined);
    cluster.publish({ $case: "cluster", value: { ...cluster.cluster, clusterId: "other", nodes: [], revision: 9 } });
    await cluster.clock.quiet();
    const { file } = await cluster.clock.settle(fs.get("files/x"));
    expect(file.version).toBe(7);
  });
});

describe("buckets", () => {
  it("create: gives back what was made", async () => {
    const asked: unknown[] = [];
    const { cluster, fs } = await open((path, request) => {
      if (path === AdminServiceService.createBucket.path) asked.push(request);
      return { bucket, replicas: 3 };
    });
    const made = await cluster.clock.settle(fs.buckets.create("logs", { readQuorum: 1, durability: "memory" }));
    expect(made).toMatchObject({ name: "logs", replicas: 3, readQuorum: 1, writeQuorum: 3, durability: "memory" });
    expect(asked).toEqual([{ name: "logs", readQuorum: 1, writeQuorum: 0, durability: Durability.DURABILITY_MEMORY }]);
  });

  it("create: connection lost after it was sent is not known, and is not repeated", async () => {
    let calls = 0;
    const { cluster, fs } = await open(() => {
      calls += 1;
      throw lost(true);
    });
    await expect(cluster.clock.settle(fs.buckets.create("logs"))).rejects.toMatchObject({ code: "unknown_outcome" });
    expect(calls).toBe(1);
  });

  it("create: SuperNode not reached had no effect", async () => {
    const { cluster, fs } = await open(() => {
      throw lost(false);
    });
    await expect(cluster.clock.settle(fs.buckets.create("logs"))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("list: repeated while the SuperNode restarts", async () => {
    let calls = 0;
    const { cluster, fs } = await open(() => {
      calls += 1;
      if (calls < 4) throw lost(false);
      return { buckets: [bucket], replicas: 3 };
    });
    expect(await cluster.clock.settle(fs.buckets.list())).toHaveLength(1);
  });

  it("list: not for ever", async () => {
    const { cluster, fs } = await open(() => {
      throw lost(false);
    });
    await expect(cluster.clock.settle(fs.buckets.list())).rejects.toMatchObject({ code: "unavailable" });
    expect(cluster.clock.nowMs()).toBeLessThan(7000);
  });

  it.each([0, 1.5, -1])("create: a quorum of %d is refused here", async (readQuorum) => {
    const { fs } = await open(() => undefined);
    await expect(fs.buckets.create("logs", { readQuorum })).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("state", () => {
  it("files in order, then the summary", async () => {
    const cluster = new FakeCluster();
    const superNode = cluster.network.servers.get(superNodeAddress);
    const summary = { files: 3, bytes: 4, underReplicated: 0, unreachable: [] };
    cluster.network.servers.set(superNodeAddress, {
      serverStream: (path, request, options) => {
        if (path !== ClusterServiceService.getFileSystemState.path) {
          return superNode?.serverStream?.(path, request, options) ?? none();
        }
        return pages({ page: page(["a", "b"]) }, { page: page(["c"]) }, { summary: { ...summary, truncated: false } });
      },
    });
    client = await cluster.connect();
    const query = client.state();
    const seen: FileState[] = [];
    expect(query.summary).toBeUndefined();
    for await (const file of query) seen.push(file);
    expect(seen.map(({ name }) => name)).toEqual(["files/a", "files/b", "files/c"]);
    expect(query.summary).toEqual(summary);
    expect(query.next).toBeUndefined();
    expect(seen[1]).toEqual({
      name: "files/b",
      bucket: "files",
      path: "b",
      version: 1,
      size: 2,
      etag: "01".repeat(32),
      holders: [1, 2],
      behind: [3],
      modifiedAt: new Date(5000),
    });
  });

  it.each([
    { limit: 0 },
    { limit: 1.5 },
    { limit: 5, totalsOnly: true },
    { sizeMin: -1 },
    { sizeMax: NaN },
    { node: 0 },
    { assignedTo: 2.5 },
    { after: "files" },
    { after: "files/a//b" },
    { bucket: "No" },
    { prefix: "a\u0000" },
  ])("%j is refused here", async (options) => {
    client = await new FakeCluster().connect();
    const open = client;
    expect(() => open.state(options)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

/** Files of which each is behind on node 3 and as large as its number. */
function page(paths: readonly string[]): FilePage {
  const doubles = (values: readonly number[]) => new Uint8Array(Float64Array.from(values).buffer);
  return {
    bucket: "files",
    files: {
      count: paths.length,
      paths: Buffer.from(paths.join("\n")),
      versions: doubles(paths.map(() => 1)),
      sizes: doubles(paths.map((_, index) => index + 1)),
      modifiedAtMs: doubles(paths.map(() => 5000)),
      etags: new Uint8Array(32 * paths.length).fill(1),
      partitions: new Uint8Array(0),
    },
    placements: [
      { holders: [1, 2, 3], behind: [] },
      { holders: [1, 2], behind: [3] },
    ],
    placementOf: new Uint8Array(Uint16Array.from(paths.map((_, index) => index)).buffer),
  };
}

async function* pages(...messages: readonly unknown[]): AsyncGenerator<unknown> {
  yield* messages;
}

async function* none(): AsyncGenerator<unknown> {
  // A stream without messages.
}
