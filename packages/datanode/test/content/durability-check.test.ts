import { describe, expect, test } from "@jest/globals";
import { type ChunkRange, type Extent, type NodeId, partitionOfChunk, QuorumError } from "@quorumfs/core";
import type { ChunkContent } from "../../src/chunk/chunk-store.js";
import { DurabilityCheck } from "../../src/content/durability-check.js";
import { StepClock } from "../support/step-clock.js";
import { clusterOf, extent } from "./fixture.js";

type States = readonly (ChunkContent | undefined)[];
type Stat = (node: NodeId, ranges: readonly ChunkRange[]) => Promise<States>;

const { view, bucket } = clusterOf(5);
const never = new AbortController().signal;

function membersOf(chunk: { readonly upload: Uint8Array; readonly index: number }): readonly NodeId[] {
  const members = view.layout?.partitions[partitionOfChunk(chunk.upload, chunk.index)]?.nodes;
  if (!members) throw new Error("every chunk has its replicas");
  return members;
}

/** Has each chunk as it is named. */
function holding(extents: readonly Extent[], ranges: readonly ChunkRange[]): States {
  return ranges.flatMap(({ upload, first, count }) =>
    Array.from({ length: count }, (_, offset): ChunkContent | undefined => {
      const index = first + offset;
      const found = extents.find((one) => one.upload === upload && index < one.first + one.checksums.length);
      if (!found) return undefined;
      const at = index - found.first;
      const size = at === found.checksums.length - 1 ? found.lastBytes : found.chunkBytes;
      return { size, checksum: found.checksums[at] ?? 0 };
    }),
  );
}

function checkWith(extents: readonly Extent[], stat: Stat, signal: AbortSignal = never) {
  const asked: { node: NodeId; renew: boolean; chunks: number }[] = [];
  const check = new DurabilityCheck({
    peers: {
      stat: (node, _owner, ranges, { renew }) => {
        asked.push({ node, renew, chunks: ranges.reduce((sum, { count }) => sum + count, 0) });
        return stat(node, ranges);
      },
    },
    store: { view },
    clock: new StepClock(),
  });
  return { asked, done: check.check({ bucket, path: "large" }, extents, signal) };
}

describe("are chunks on W of their replicas (N=3 W=2, 5 nodes)", () => {
  const few = [extent(1, { lastBytes: 1000, checksums: [1, 2, 3] })];
  const [first] = few.map(({ upload }) => ({ upload, index: 0 }));
  if (!first) throw new Error("there is a first chunk");

  test("all of them everywhere: durable; only their replicas are asked, each once, and renew them", async () => {
    const { asked, done } = checkWith(few, async (_node, ranges) => holding(few, ranges));
    await done;
    const replicas = [0, 1, 2].flatMap((index) => membersOf({ ...first, index }));
    expect(new Set(asked.map(({ node }) => node))).toEqual(new Set(replicas));
    expect(asked).toHaveLength(new Set(replicas).size);
    expect(asked.every(({ renew }) => renew)).toBe(true);
    expect(asked.reduce((sum, { chunks }) => sum + chunks, 0)).toBe(9);
  });

  test("one replica never answers: durable all the same, without waiting for it", async () => {
    const silent = membersOf(first)[0];
    const { done } = checkWith(few, (node, ranges) =>
      node === silent ? new Promise<States>(() => undefined) : Promise.resolve(holding(few, ranges)),
    );
    await done;
  });

  test("W-1 copies: unavailable, naming the chunk and who lacks it", async () => {
    const [holder, ...lacking] = membersOf(first);
    const { done } = checkWith(few, async (node, ranges) => {
      const states = holding(few, ranges);
      return ranges.some(({ first: index }) => index === 0) && node !== holder
        ? [undefined, ...states.slice(1)]
        : states;
    });
    await expect(done).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`chunk 0 of upload ${"01".repeat(16)} is on 1 of the 2`),
      details: { needed: 2, got: 1, nodes: lacking.map((node) => ({ node })) },
    });
  });

  const wrong: readonly (readonly [string, Partial<ChunkContent>])[] = [
    ["checksum", { checksum: 99 }],
    ["size", { size: 99 }],
  ];
  test.each(wrong)("copies with another %s do not count", async (_name, change) => {
    const { done } = checkWith(few, async (_node, ranges) =>
      holding(few, ranges).map((state) => (state?.checksum === 3 ? { ...state, ...change } : state)),
    );
    await expect(done).rejects.toMatchObject({ code: "unavailable", details: { got: 0 } });
  });

  test("replicas that cannot be asked are named with the reason", async () => {
    const { done } = checkWith(few, () =>
      Promise.reject(new QuorumError({ code: "unavailable", message: "connection refused" })),
    );
    const nodes = membersOf(first).map((node) => ({ node, reason: "connection refused" }));
    await expect(done).rejects.toMatchObject({ code: "unavailable", details: { nodes } });
  });

  test("a large file is asked for in batches, so that no message and no turn is too long", async () => {
    const checksums = Array.from({ length: 20_000 }, (_, index) => index);
    const large = [extent(1, { checksums })];
    const { asked, done } = checkWith(large, async (_node, ranges) => holding(large, ranges));
    await done;
    expect(Math.max(...asked.map(({ chunks }) => chunks))).toBeLessThanOrEqual(8192);
    expect(asked.reduce((sum, { chunks }) => sum + chunks, 0)).toBe(60_000);
  });

  test("given up: ends at once", async () => {
    const caller = new AbortController();
    const { done } = checkWith(few, () => new Promise<States>(() => undefined), caller.signal);
    caller.abort();
    await expect(done).rejects.toMatchObject({ code: "cancelled" });
  });

  test("nothing to check: nobody is asked", async () => {
    const { asked, done } = checkWith([], () => Promise.reject(new Error("asked")));
    await done;
    expect(asked).toEqual([]);
  });
});
