import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ActivitySample, ClusterEvent, QuorumFs } from "@quorumfs/client";
import { type LocalCluster, startCluster } from "../../src/index.js";

const patienceMs = 120_000;

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, dataNode: { compareEveryMs: 1000 } });
  client = await cluster.client();
}, patienceMs);

afterAll(() => cluster.close());

/** What a stream tells while the test goes on. */
function collect<T>(open: (signal: AbortSignal) => AsyncIterable<T>): { readonly told: T[]; end(): Promise<void> } {
  const over = new AbortController();
  const told: T[] = [];
  const done = (async () => {
    for await (const one of open(over.signal)) told.push(one);
  })().catch(() => undefined);
  return { told, end: () => (over.abort(), done) };
}

function sum(samples: readonly ActivitySample[], of: (sample: ActivitySample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}

/** Oldest first: `node.down 2`. */
async function story(kinds: readonly string[]): Promise<readonly string[]> {
  const { events } = await client.events({ kinds, limit: 1000 });
  return events.map(({ kind, node }: ClusterEvent) => (node === undefined ? kind : `${kind} ${node}`)).reverse();
}

describe("activity", () => {
  test(
    "operations are counted, with plausible latencies, its bucket, and the file that is asked for most",
    async () => {
      const watching = collect((signal) => client.activity({ signal }));
      await cluster.waitUntil("the watch has begun", () => watching.told.length > 0);
      for (let index = 0; index < 100; index += 1) await client.put(`files/number-${index}`, "x".repeat(1000));
      for (let round = 0; round < 60; round += 1) await client.get("files/number-7");
      await client.delete("files/number-99");
      await expect(client.get("files/never-written")).rejects.toMatchObject({ code: "not_found" });
      const of = (kind: "get" | "put" | "delete") => sum(watching.told, ({ total }) => total.kinds[kind].answered);
      await cluster.waitUntil("all of it is told", () => of("put") >= 100 && of("get") >= 61 && of("delete") >= 1);
      // On a machine that is slow just now clients try again, or ask a second node, and each one counts.
      expect(of("put")).toBeLessThan(150);
      expect(of("get")).toBeLessThan(150);
      expect(of("delete")).toBeLessThan(5);
      for (const { total } of watching.told.filter(({ total: { kinds } }) => kinds.put.answered > 0)) {
        const { p50Ms = 0, p99Ms = 0 } = total.kinds.put.latency ?? {};
        expect(p50Ms).toBeGreaterThan(0.05);
        expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
        expect(p99Ms).toBeLessThan(10_000);
      }
      const bucket = watching.told.flatMap(({ buckets }) => buckets).filter((one) => one.bucket === "files");
      expect(bucket.reduce((total, { writes }) => total + writes, 0)).toBe(of("put") + of("delete"));
      await cluster.waitUntil("the hot file is told", () =>
        watching.told.some(({ hotFiles }) => hotFiles[0]?.name === "files/number-7"),
      );
      await watching.end();
    },
    patienceMs,
  );

  test("history is there for those who come later", async () => {
    const watching = collect((signal) => client.activity({ historySeconds: 900, signal }));
    await cluster.waitUntil("history and a second have come", () => watching.told.some(({ isHistory }) => !isHistory));
    const history = watching.told.filter(({ isHistory }) => isHistory);
    const puts = sum(history, ({ total }) => total.kinds.put.answered);
    expect(puts).toBeGreaterThanOrEqual(100);
    expect(puts).toBeLessThan(150);
    await watching.end();
  });
});

describe("events", () => {
  test(
    "a node that is killed is suspected, then down; it is back, and gets what it lacks",
    async () => {
      const watching = collect((signal) => client.watchEvents({ node: 2, signal }));
      await cluster.kill(2);
      const kinds = (): readonly string[] => watching.told.map(({ kind }) => kind);
      await cluster.waitUntil("it is down", () => kinds().includes("node.down"));
      await Promise.all(Array.from({ length: 20 }, (_, index) => client.put(`files/meanwhile-${index}`, "y")));
      await cluster.restart(2);
      await cluster.waitUntil("it has what it lacked", () => kinds().includes("repair.completed"), 30_000);
      // On a machine that is slow just now it may be suspected, and back, more often.
      const down = kinds().indexOf("node.down");
      const after = kinds().slice(down + 1);
      expect(kinds()[0]).toBe("node.suspected");
      expect(after[0]).toBe("node.back");
      expect(after.filter((kind) => kind.startsWith("repair"))).toEqual(["repair.started", "repair.completed"]);
      const completed = watching.told.find(({ kind }) => kind === "repair.completed");
      expect(Number(completed?.fields["records"])).toBeGreaterThanOrEqual(20);
      await watching.end();
    },
    patienceMs,
  );

  test(
    "the SuperNode is killed while DataNodes notice things: all of it is told when it is back, and once",
    async () => {
      const before = await story(["node", "cluster", "repair"]);
      await cluster.kill("supernode");
      await client.scrub.start({ restart: true });
      await cluster.waitUntil("they have looked at everything", async () =>
        (await client.scrub.status()).every(({ scrub }) => scrub?.state === "idle"),
      );
      await cluster.restart("supernode");
      await cluster.ready();
      await cluster.waitUntil(
        "all has been told",
        async () => (await story(["scrub"])).filter((event) => event.startsWith("scrub.completed")).length >= 3,
      );
      expect([...(await story(["scrub"]))].sort()).toEqual([
        "scrub.completed 1",
        "scrub.completed 2",
        "scrub.completed 3",
        "scrub.started 1",
        "scrub.started 2",
        "scrub.started 3",
      ]);
      // Nor is what was told before told again, or gone.
      expect((await story(["node", "cluster", "repair"])).slice(0, before.length)).toEqual(before);
      expect(await story(["node.joined", "cluster"])).toHaveLength(4);
      expect(await story(["supernode"])).toEqual(["supernode.started", "supernode.started"]);
    },
    patienceMs,
  );
});
