import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  ClusterServiceService,
  FileHealth,
  type FilePage,
  type GetFileSystemStateRequest,
  type StateFilter,
} from "@quorumfs/proto";
import type { QuorumFs } from "../../src/index.js";
import { CliBench, type Outcome } from "../fakes/cli.js";
import { FakeCluster, superNodeAddress } from "../fakes/fake-cluster.js";

type Asked = GetFileSystemStateRequest & { readonly nodeId?: number };

const summary = { files: 2, bytes: 2 ** 20 + 5, underReplicated: 0, unreachable: [] as number[], truncated: false };

let cluster: FakeCluster;
let client: QuorumFs;
let cli: CliBench;
/** What the SuperNode was asked, in order. */
let asked: Asked[];
/** How it ends its answers. */
let told: typeof summary;

beforeEach(async () => {
  cluster = new FakeCluster();
  asked = [];
  told = summary;
  const superNode = cluster.network.servers.get(superNodeAddress);
  const { getFileSystemState, listFilesOnNode } = ClusterServiceService;
  cluster.network.servers.set(superNodeAddress, {
    serverStream: (path, request, options) => {
      if (path !== getFileSystemState.path && path !== listFilesOnNode.path) {
        return superNode?.serverStream?.(path, request, options) ?? answer([]);
      }
      asked.push(request as Asked);
      return answer((request as Asked).totalsOnly ? [{ summary: told }] : [{ page }, { summary: told }]);
    },
  });
  client = await cluster.connect();
  cli = new CliBench(client);
});

afterEach(async () => {
  await client.close();
  cli.close();
});

const run = (...args: readonly string[]): Promise<Outcome> => cluster.clock.settle(cli.run(["state", ...args]));

const everything: StateFilter = {
  bucket: "",
  prefix: "",
  sizeMin: 0,
  sizeMax: undefined,
  health: FileHealth.FILE_HEALTH_UNSPECIFIED,
  node: 0,
};

/** A small file, and one of a mebibyte that node 3 lacks. */
const page: FilePage = {
  bucket: "files",
  files: {
    count: 2,
    paths: Buffer.from("logs/1\nlogs/2"),
    versions: doubles(1, 12),
    sizes: doubles(5, 2 ** 20),
    modifiedAtMs: doubles(5000, 6000),
    etags: new Uint8Array(64).fill(1),
    partitions: new Uint8Array(0),
  },
  placements: [
    { holders: [1, 2, 3], behind: [] },
    { holders: [1, 2], behind: [3] },
  ],
  placementOf: new Uint8Array(Uint16Array.from([0, 1]).buffer),
};

const small = { name: "files/logs/1", version: 1, size: 5, holders: [1, 2, 3], behind: [] };
const large = { name: "files/logs/2", version: 12, size: 2 ** 20, holders: [1, 2], behind: [3] };
const totals = { files: 2, bytes: 2 ** 20 + 5, underReplicated: 0, unreachable: [] };

function doubles(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer);
}

async function* answer(messages: readonly unknown[]): AsyncGenerator<unknown> {
  yield* messages;
}

describe("what of the files", () => {
  it.each<[readonly string[], Partial<StateFilter>]>([
    [[], {}],
    [["files"], { bucket: "files" }],
    [["files/"], { bucket: "files" }],
    [["files/logs/"], { bucket: "files", prefix: "logs/" }],
    [["files/1"], { bucket: "files", prefix: "1" }],
    [["--bucket", "files"], { bucket: "files" }],
    [["--prefix", "logs/"], { prefix: "logs/" }],
    [["--bucket", "files", "--prefix", "logs/"], { bucket: "files", prefix: "logs/" }],
    [["--min-size", "4096"], { sizeMin: 4096 }],
    [["--min-size", "1.5MiB", "--max-size", "2GB"], { sizeMin: 1.5 * 2 ** 20, sizeMax: 2e9 }],
    [["--max-size", "0"], { sizeMax: 0 }],
    [["--assigned-to", "3"], { node: 3 }],
    [["--under-replicated"], { health: FileHealth.FILE_HEALTH_UNDER_REPLICATED }],
    [
      ["files/a", "--under-replicated", "--assigned-to", "2"],
      { bucket: "files", prefix: "a", health: FileHealth.FILE_HEALTH_UNDER_REPLICATED, node: 2 },
    ],
  ])("%j: the totals of these, then these", async (args, filter) => {
    expect(await run(...args)).toMatchObject({ code: 0, err: "" });
    const place = { afterBucket: "", afterPath: "", limit: 0 };
    expect(asked).toMatchObject([
      { filter: { ...everything, ...filter }, ...place, totalsOnly: true },
      { filter: { ...everything, ...filter }, ...place, totalsOnly: false },
    ]);
    expect(asked[0]).not.toHaveProperty("nodeId");
  });

  it("--node: those of which it holds a copy", async () => {
    await run("--node", "2", "--min-size", "1KiB");
    const filter = { ...everything, sizeMin: 1024 };
    expect(asked).toMatchObject([
      { nodeId: 2, filter, totalsOnly: true },
      { nodeId: 2, filter, totalsOnly: false },
    ]);
  });

  it("--limit, --after: a page; the totals are of all that is behind", async () => {
    await run("--after", "files/logs/0", "--limit", "2");
    const place = { afterBucket: "files", afterPath: "logs/0" };
    expect(asked).toMatchObject([
      { ...place, limit: 0, totalsOnly: true },
      { ...place, limit: 2, totalsOnly: false },
    ]);
  });

  it("--totals: nothing but these is asked for", async () => {
    await run("--totals", "--limit", "2", "files");
    expect(asked).toMatchObject([{ filter: { ...everything, bucket: "files" }, limit: 0, totalsOnly: true }]);
  });

  it.each([
    [["files", "--bucket", "files"], "give either files or --bucket and --prefix"],
    [["files/a", "--prefix", "b"], "give either files/a or --bucket and --prefix"],
    [["No"], 'bucket name "No" is not allowed'],
    [["--bucket", "No"], 'bucket name "No" is not allowed'],
    [["--min-size", "large"], '"large" is not a size'],
    [["--max-size", "1XiB"], '"1XiB" is not a size'],
    [["--node", "two"], "node must be the number of a DataNode, got NaN"],
    [["--node", "0"], "node must be the number of a DataNode, got 0"],
    [["--assigned-to", "1.5"], "assignedTo must be the number of a DataNode, got 1.5"],
    [["--limit", "0"], "limit must be a whole number from 1 on, got 0"],
    [["--limit", "few"], "limit must be a whole number from 1 on, got NaN"],
    [["--after", "files"], 'file name "files" has no bucket'],
    [["--health", "bad"], "unknown argument: health"],
    [["files", "logs"], "unknown argument: logs"],
    [["--bucket"], "not enough arguments following: bucket"],
  ])("%j: refused, and no file is shown", async (args, message) => {
    const { code, out, err } = await run(...args);
    expect({ code, out, err }).toEqual({ code: 2, out: "", err: expect.stringContaining(message) });
    expect(asked.filter(({ totalsOnly }) => !totalsOnly)).toEqual([]);
  });
});

describe("how it is shown", () => {
  it("for people: the totals, then a line for each", async () => {
    const { out } = await run();
    expect(out.split("\n")).toEqual([
      "2 files, 1.0 MiB, all with all their copies",
      "",
      "       5 B  version 1           on 1, 2, 3  files/logs/1",
      "     1 MiB  version 12          on 1, 2  behind or damaged: 3  files/logs/2",
      "",
    ]);
  });

  it("--limit: how the next page is asked for", async () => {
    told = { ...summary, truncated: true };
    expect((await run("--limit", "2")).out).toMatch(/\n\nmore: --after files\/logs\/2\n$/);
  });

  it.each([
    [{}, "2 files, 1.0 MiB, all with all their copies\n"],
    [{ files: 1, bytes: 5, underReplicated: 1 }, "1 file, 5 B, 1 with fewer copies than there should be\n"],
    [
      { unreachable: [2, 3] },
      "2 files, 1.0 MiB, all with all their copies; no answer from DataNodes 2, 3, so what only they hold is missing\n",
    ],
  ])("--totals of %j: %j", async (change, text) => {
    told = { ...summary, ...change };
    expect(await run("--totals")).toEqual({ code: 0, out: text, err: "" });
  });

  it("-o json: one object of totals, files and summary", async () => {
    const { out } = await run("-o", "json");
    expect(JSON.parse(out)).toEqual({
      totals,
      files: [expect.objectContaining(small), expect.objectContaining(large)],
      summary: totals,
    });
  });

  it("-o json --limit: with the place of the next page", async () => {
    told = { ...summary, truncated: true };
    const { out } = await run("-o", "json", "--limit", "2");
    expect(JSON.parse(out)).toMatchObject({ next: "files/logs/2" });
  });

  it("-o json --totals", async () => {
    expect(JSON.parse((await run("-o", "json", "--totals")).out)).toEqual({ totals });
  });

  it("-o jsonl: an object a line", async () => {
    const { out } = await run("-o", "jsonl");
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toEqual([
      { totals },
      expect.objectContaining(small),
      expect.objectContaining(large),
      { summary: totals },
    ]);
  });

  it("-o json: what is refused is JSON on standard error", async () => {
    const { code, out, err } = await run("-o", "json", "--min-size", "large");
    expect([code, out]).toEqual([2, ""]);
    expect(JSON.parse(err)).toMatchObject({ error: { code: "invalid_argument" } });
  });
});
