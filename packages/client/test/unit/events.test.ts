import { afterEach, describe, expect, it } from "@jest/globals";
import { Severity } from "@quorumfs/proto";
import type { ClusterEvent, QuorumFs } from "../../src/index.js";
import { away, eventOf, ObservedCluster, take } from "../fakes/observed-cluster.js";

let fs: QuorumFs | undefined;

afterEach(async () => {
  await fs?.close();
  fs = undefined;
});

async function open(...known: number[]): Promise<{ readonly bench: ObservedCluster; readonly fs: QuorumFs }> {
  const bench = new ObservedCluster();
  bench.log = known.map((id) => eventOf(id));
  fs = await bench.connect();
  return { bench, fs };
}

const told = (...ids: number[]) => ({ events: ids.map((id) => eventOf(id)) });
const idsOf = (events: readonly ClusterEvent[]) => events.map(({ id }) => id);

describe("events", () => {
  it("newest first, page after page", async () => {
    const { bench, fs } = await open(1, 2, 3);
    const first = await bench.settle(fs.events({ limit: 2 }));
    expect(first.more).toBe(true);
    expect(idsOf(first.events)).toEqual([3, 2]);
    const second = await bench.settle(fs.events({ limit: 2, before: 2 }));
    expect(second.more).toBe(false);
    expect(idsOf(second.events)).toEqual([1]);
  });

  it("what an event says", async () => {
    const { bench, fs } = await open();
    const fields = new Map([["records", "12"]]);
    bench.log = [eventOf(9, { kind: "repair.completed", severity: Severity.SEVERITY_WARNING, node: 3, fields })];
    expect((await bench.settle(fs.events())).events).toEqual([
      {
        id: 9,
        at: new Date(9000),
        kind: "repair.completed",
        severity: "warning",
        node: 3,
        message: "event 9",
        fields: { records: "12" },
      },
    ]);
  });

  it.each([{ limit: 0 }, { limit: 1001 }, { before: -1 }, { node: 0 }])("refused: %p", async (options) => {
    const { fs } = await open();
    await expect(fs.events(options)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("watchEvents", () => {
  it("only what happens from now on, with the filter as it was given", async () => {
    const { bench, fs } = await open(1, 2);
    bench.streams.push([told(3), told(4)]);
    const events = await bench.settle(take(fs.watchEvents({ kinds: ["node"], node: 3, severity: "warning" }), 2));
    expect(idsOf(events)).toEqual([3, 4]);
    expect(bench.askedFor).toEqual([
      { filter: { kinds: ["node"], node: 3, severity: Severity.SEVERITY_WARNING }, afterId: 2 },
    ]);
  });

  it("the SuperNode starts anew before the first event: none is missed", async () => {
    const { bench, fs } = await open(1, 2);
    bench.streams.push([away()], [told(3)]);
    expect(idsOf(await bench.settle(take(fs.watchEvents(), 1)))).toEqual([3]);
    expect(bench.askedFor.map(({ afterId }) => afterId)).toEqual([2, 2]);
  });

  it("and after some: none twice", async () => {
    const { bench, fs } = await open(1, 2, 3, 4, 5);
    bench.streams.push([told(3, 4), away()], [told(5)]);
    expect(idsOf(await bench.settle(take(fs.watchEvents({ after: 2 }), 3)))).toEqual([3, 4, 5]);
    expect(bench.askedFor.map(({ afterId }) => afterId)).toEqual([2, 4]);
  });

  it("after 0: all that is kept, oldest first, then what happens", async () => {
    const { bench, fs } = await open(7, 8);
    bench.streams.push([told(9)]);
    expect(idsOf(await bench.settle(take(fs.watchEvents({ after: 0 }), 3)))).toEqual([7, 8, 9]);
    expect(bench.askedFor.map(({ afterId }) => afterId)).toEqual([8]);
  });

  it("a store of the SuperNode that was made anew counts from the beginning", async () => {
    const { bench, fs } = await open(40, 41);
    bench.streams.push([told(42), away()], [told(3)]);
    const watching = take(fs.watchEvents(), 4);
    bench.cluster.clock.after(10, () => (bench.log = [eventOf(1), eventOf(2)]));
    expect(idsOf(await bench.settle(watching))).toEqual([42, 1, 2, 3]);
  });
});
