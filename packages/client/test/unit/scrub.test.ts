import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { MaintenanceServiceService, ScrubState } from "@quorumfs/proto";
import { type Bench, openBench } from "../fakes/open-client.js";

let bench: Bench;
let asked: { readonly node: number; readonly path: string; readonly request: unknown }[];

const damage = { recordsDamaged: 1, recordsRepaired: 2, chunksDamaged: 3, chunksRepaired: 4 };
const status = {
  state: ScrubState.SCRUB_STATE_RUNNING,
  passStartedAtMs: 1000,
  passEndedAtMs: 0,
  bytesPerSecond: 5,
  recordsChecked: 6,
  chunksChecked: 7,
  bytesChecked: 8,
  bytesTotal: 9,
  damage,
};

beforeEach(async () => {
  bench = await openBench();
  asked = [];
  for (const node of [1, 2, 3]) {
    bench.chunks(node).unary = (path, request) => {
      asked.push({ node, path, request });
      return { status };
    };
  }
});

afterEach(async () => {
  await bench.fs.close();
});

describe("scrub", () => {
  it("start: asks every node, and tells what each said", async () => {
    const { fs, settle } = bench;
    const nodes = await settle(fs.scrub.start({ bytesPerSecond: 77, restart: true }));
    expect(nodes.map(({ node }) => node)).toEqual([1, 2, 3]);
    expect(nodes[0]?.scrub).toEqual({
      state: "running",
      passStartedAt: new Date(1000),
      passEndedAt: undefined,
      bytesPerSecond: 5,
      recordsChecked: 6,
      chunksChecked: 7,
      bytesChecked: 8,
      bytesTotal: 9,
      damage,
    });
    expect(asked[0]).toMatchObject({
      path: MaintenanceServiceService.startScrub.path,
      request: { bytesPerSecond: 77, restart: true },
    });
  });

  it("pause and status: only the nodes that are named", async () => {
    const { fs, settle } = bench;
    await settle(fs.scrub.pause({ nodes: [2] }));
    await settle(fs.scrub.status({ nodes: [3, 1] }));
    expect(asked.map(({ node, path }) => `${node} ${path.split("/").at(-1) ?? ""}`)).toEqual([
      "2 PauseScrub",
      "3 GetScrub",
      "1 GetScrub",
    ]);
  });

  it("a node that is away is told as such, beside the others", async () => {
    const { fs, settle, cluster } = bench;
    cluster.killNode(2);
    const nodes = await settle(fs.scrub.status());
    expect(nodes.map(({ error }) => error?.code)).toEqual([undefined, "unavailable", undefined]);
  });

  it("a node that there is not, and a rate that is none", async () => {
    const { fs, settle } = bench;
    await expect(settle(fs.scrub.status({ nodes: [9] }))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(settle(fs.scrub.start({ bytesPerSecond: -1 }))).rejects.toMatchObject({ code: "invalid_argument" });
    expect(asked).toHaveLength(0);
  });
});
