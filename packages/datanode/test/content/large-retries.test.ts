import { afterEach, describe, expect, test } from "@jest/globals";
import { inlineBytesMax } from "@quorumfs/core";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";
import { noise } from "./fixture.js";
import { LargeClient } from "./large-client.js";

let cluster: SmallCluster;
let client: LargeClient;
afterEach(() => cluster.close());

async function start(): Promise<void> {
  cluster = await SmallCluster.start({ config: { retireAfterMs: 1000 } });
  client = new LargeClient(cluster);
}

const bytes = noise(inlineBytesMax + 70_000, 1);

/** Lets what was retired go, and makes sure that it has. */
async function untilGone(number: number): Promise<void> {
  await cluster.clock.pass(5000);
  for (const node of cluster.nodes.keys()) expect(await client.held(node, "a", number, 4)).toEqual([]);
}

describe("a large put that may have run", () => {
  test("its file was overwritten and its chunks are gone: told of its own version all the same", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    const first = await client.put("a", 1, { extents: [extent] }, { bytes });
    await cluster.files(1).put("a", "other");
    await untilGone(1);
    const again = await client.put("a", 1, { extents: [extent] }, { bytes, mayHaveRun: true, through: 2 });
    expect(again.file).toMatchObject({ version: first.file?.version, size: bytes.length });
    expect(Buffer.from((await client.get("a")).content).toString()).toBe("other");
  });

  test("deleted since: told of its own version, too", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    const first = await client.put("a", 1, { extents: [extent] }, { bytes });
    await cluster.files(1).delete("a");
    await untilGone(1);
    const again = await client.put("a", 1, { extents: [extent] }, { bytes, mayHaveRun: true });
    expect(again.file).toMatchObject({ version: first.file?.version });
  });

  test("so much has happened since that nobody can tell: unknown, not failed", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    await client.put("a", 1, { extents: [extent] }, { bytes });
    for (let write = 0; write < 9; write += 1) await cluster.files(1).put("a", `${write}`);
    await untilGone(1);
    const again = client.put("a", 1, { extents: [extent] }, { bytes, mayHaveRun: true });
    await expect(again).rejects.toMatchObject({ code: "unknown_outcome" });
  });

  test("sent again as if for the first time, after its mark is gone: not applied a second time", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    await client.put("a", 1, { extents: [extent] }, { bytes });
    for (let write = 0; write < 9; write += 1) await cluster.files(1).put("a", `${write}`);
    // Its chunks are retired, and still there.
    const again = client.put("a", 1, { extents: [extent] }, { bytes });
    await expect(again).rejects.toMatchObject({ code: "unavailable" });
    expect(Buffer.from((await client.get("a")).content).toString()).toBe("8");
  });

  test("its first attempt was refused for good: refused again", async () => {
    await start();
    await cluster.files(0).put("a", "there");
    const condition = { $case: "ifAbsent", value: true } as const;
    const extent = await client.upload("a", 1, bytes);
    const first = client.put("a", 1, { extents: [extent] }, { bytes, condition, mayHaveRun: true });
    await expect(first).rejects.toMatchObject({ code: "precondition_failed" });
    await cluster.files(0).delete("a");
    const absent = { ...extent, first: 9 };
    const again = client.put("a", 1, { extents: [absent] }, { bytes, condition, mayHaveRun: true });
    await expect(again).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("it has not run, and its chunks are not there: unavailable; once they are, it runs", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes, { to: () => [0] });
    const retry = () => client.put("a", 1, { extents: [extent] }, { bytes, mayHaveRun: true });
    await expect(retry()).rejects.toMatchObject({ code: "unavailable" });
    await client.upload("a", 1, bytes);
    await retry();
    expect((await client.read("a")).equals(bytes)).toBe(true);
  });

  test("an append that has run, and others after it: told of its own version", async () => {
    await start();
    const base = await client.upload("a", 1, bytes);
    const { file } = await client.put("a", 1, { extents: [base] }, { bytes });
    const own = await client.upload("a", 2, bytes);
    const condition = { $case: "ifVersion", value: file?.version ?? 0 } as const;
    const append = (more = {}) => client.put("a", 2, { extents: [base, own] }, { condition, ...more });
    const first = await append();
    expect((await append({ mayHaveRun: true, through: 1 })).file).toMatchObject({ version: first.file?.version });
    await cluster.files(1).put("a", "other");
    expect((await append({ mayHaveRun: true, through: 2 })).file).toMatchObject({ version: first.file?.version });
    await cluster.files(1).delete("a");
    expect((await append({ mayHaveRun: true })).file).toMatchObject({ version: first.file?.version });
  });

  test("a first attempt that comes late, after another one has run and the file was deleted: told of that version", async () => {
    await start();
    const base = await client.upload("a", 1, bytes);
    const { file } = await client.put("a", 1, { extents: [base] }, { bytes });
    const own = await client.upload("a", 2, bytes);
    const condition = { $case: "ifVersion", value: file?.version ?? 0 } as const;
    const append = () => client.put("a", 2, { extents: [base, own] }, { condition });
    const first = await append();
    await cluster.files(1).delete("a");
    expect((await append()).file).toMatchObject({ version: first.file?.version });
  });

  test("an append that has not run, to a file that is gone: refused, and then for good", async () => {
    await start();
    const base = await client.upload("a", 1, bytes);
    const { file } = await client.put("a", 1, { extents: [base] }, { bytes });
    const own = await client.upload("a", 2, bytes);
    await cluster.files(0).delete("a");
    const condition = { $case: "ifVersion", value: file?.version ?? 0 } as const;
    const append = () => client.put("a", 2, { extents: [base, own] }, { condition, mayHaveRun: true });
    await expect(append()).rejects.toMatchObject({ code: "precondition_failed" });
    await expect(append()).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("its coordinator died between the vote and the notices: the retry sends them", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    const kept = new Set<string>();
    cluster.network.gate = ({ path, from, to }) => {
      if (path.endsWith("/KeepChunks")) kept.add(`${from} to ${to}`);
      return !path.endsWith("/KeepChunks") || from !== "1";
    };
    await client.put("a", 1, { extents: [extent] }, { bytes });
    await cluster.nodes[0]?.close();
    await settle();
    kept.clear();
    await client.put("a", 1, { extents: [extent] }, { bytes, mayHaveRun: true, through: 1 });
    await settle();
    expect([...kept].some((notice) => notice.startsWith("2 to"))).toBe(true);
  });
});
