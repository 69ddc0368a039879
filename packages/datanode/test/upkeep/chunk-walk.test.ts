import { expect, test } from "@jest/globals";
import { bucketId } from "@quorumfs/core";
import type { ChunkKey } from "../../src/chunk/chunk-key.js";
import type { ChunkEntry } from "../../src/chunk/chunk-store.js";
import { ChunkWalk } from "../../src/upkeep/chunk-walk.js";

const mebibyte = 1024 * 1024;
const owner = { bucket: bucketId(1), path: "a" };

/** A store with chunks of these sizes; undefined: the row is damaged. */
function subject(sizes: readonly (number | undefined)[]) {
  const verified: number[] = [];
  let onVerify: () => void = () => undefined;
  const walk = new ChunkWalk({
    usage: () => ({ chunks: sizes.length, bytes: 77, reclaimableBytes: 0, uploadingBytes: 0 }),
    async *entries(after?: Uint8Array): AsyncGenerator<ChunkEntry, void, undefined> {
      for (let index = (after?.[0] ?? -1) + 1; index < sizes.length; index += 1) {
        const size = sizes[index];
        const content = size === undefined ? undefined : { size, checksum: 0 };
        const key = { owner, upload: new Uint8Array(16), index };
        yield { key, position: Uint8Array.of(index), content, isRetired: false };
      }
    },
    verify: async ({ index }: ChunkKey) => {
      verified.push(index);
      onVerify();
      return "intact";
    },
  });
  return { walk, verified, onVerify: (action: () => void) => (onVerify = action) };
}

async function stepsOf(walk: ChunkWalk, signal = new AbortController().signal): Promise<readonly number[]> {
  const steps: number[] = [];
  for (let after: Uint8Array | undefined = new Uint8Array(0); after && !signal.aborted;) {
    const step: Awaited<ReturnType<ChunkWalk["step"]>> = await walk.step(after, signal);
    steps.push(step.chunks);
    after = step.after;
  }
  return steps;
}

test("every chunk once, large ones a step each, short ones together", async () => {
  const sizes = [4 * mebibyte, 4 * mebibyte, 1000, 1000, 1000, 4 * mebibyte, 1000];
  const { walk, verified } = subject(sizes);
  expect(await stepsOf(walk)).toEqual([1, 1, 4, 1]);
  expect(verified).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("many tiny ones: a bounded number in a step", async () => {
  const { walk } = subject(Array.from({ length: 70 }, () => 1));
  expect(await stepsOf(walk)).toEqual([32, 32, 6]);
});

test("one whose row is damaged is verified, too", async () => {
  const { walk, verified } = subject([undefined, 5]);
  expect(await stepsOf(walk)).toEqual([2]);
  expect(verified).toEqual([0, 1]);
});

test("given up: after the chunk that is under way", async () => {
  const abort = new AbortController();
  const { walk, verified, onVerify } = subject([1, 1, 1, 1]);
  onVerify(() => abort.abort());
  await stepsOf(walk, abort.signal);
  expect(verified).toEqual([0]);
});

test("what there is to read is what the store holds", () => {
  expect(subject([]).walk.bytes()).toBe(77);
});
