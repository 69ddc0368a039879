import { type ChunkRange, type NodeFailure, QuorumError } from "@quorumfs/core";
import { ChunkServiceService, type ChunkState } from "@quorumfs/proto";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

/** Chunks in one question; an answer takes some 12 bytes for each. */
export const censusChunksMax = 16_384;
// An answer takes one look into an index; who needs longer is as good as away.
const answerMs = 2_000;

/** Which DataNodes have which chunks of one range, as they said when they were asked. */
export interface Census {
  /** Nodes on which the chunk is durable with this size and CRC-32C. */
  holders(index: number, chunk: { readonly bytes: number; readonly checksum: number }): readonly number[];
  /** Nodes that did not answer. */
  readonly silent: readonly NodeFailure[];
}

/**
 * Asks all DataNodes at once. Does not fail because some do not answer.
 *
 * @param range at most {@link censusChunksMax} chunks
 * @param options.renew whether what is there is kept for another while
 */
export async function takeCensus(
  context: TransferContext,
  owner: ChunkOwner,
  range: ChunkRange,
  options: { readonly renew: boolean; readonly signal?: AbortSignal },
): Promise<Census> {
  const { renew, signal } = options;
  const { upload, first, count } = range;
  const request = { owner: { ...owner }, ranges: [{ upload, first, count }], renew };
  const silent: NodeFailure[] = [];
  const answers = new Map<number, readonly ChunkState[]>();
  const call = signal ? { timeoutMs: answerMs, signal } : { timeoutMs: answerMs };
  const questions = [...context.dataNodes.targets].map(async ([node, { bulk }]) => {
    try {
      const { chunks } = await bulk.channel.unary(ChunkServiceService.statChunks, request, call);
      answers.set(node, chunks);
    } catch (thrown) {
      silent.push({ node, reason: QuorumError.from(thrown).message });
    }
  });
  await Promise.all(questions);
  return {
    silent,
    holders: (index, { bytes, checksum }) => {
      const holders: number[] = [];
      for (const [node, states] of answers) {
        const state = states[index - first];
        if (state?.size === bytes && state.crc32c === checksum) holders.push(node);
      }
      return holders;
    },
  };
}
