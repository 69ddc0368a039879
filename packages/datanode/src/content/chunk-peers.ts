import { type Ballot, type CancelSignal, type ChunkRange, type NodeId, QuorumError } from "@quorumfs/core";
import { type ChunkOwner, ChunkServiceService, type ReadChunkResponse } from "@quorumfs/proto";
import type { ChunkKey, FileOwner } from "../chunk/chunk-key.js";
import type { ChunkContent, ChunkStore, StoredPiece } from "../chunk/chunk-store.js";
import type { Peer, Peers } from "../coordinator/peers.js";
import { type ByteRange, checkedBytes } from "./chunk-blocks.js";

// A chunk takes a peer that is alive some 20 ms; one that is silent for so long stands still.
const readTimeoutMs = 30_000;
// Rows out of a store that is in memory for the most part.
const statTimeoutMs = 5_000;
const keepTimeoutMs = 10_000;

/** The chunks of every DataNode: this node's own without a network, the others' over the channels for bulk data. */
export class ChunkPeers {
  readonly #options: ChunkPeersOptions;

  constructor(options: ChunkPeersOptions) {
    this.#options = options;
  }

  /**
   * The bytes of a range, in order, checked against the checksums of their blocks. Leaving the loop ends the call.
   *
   * @throws QuorumError `not_found`: the node does not have the chunk; `corrupt`: what it has is damaged; `unavailable`
   */
  read(node: NodeId, key: ChunkKey, range: ByteRange, signal: CancelSignal): AsyncIterable<Uint8Array> {
    return checkedBytes(this.#pieces(node, key, range, signal), range);
  }

  /**
   * What the node has of each chunk of `ranges`, in their order, undefined for those that it has not; at most
   * 65,536 chunks.
   *
   * @param options.renew keeps those that no version names for another while
   * @throws QuorumError `unavailable`
   */
  async stat(
    node: NodeId,
    owner: FileOwner,
    ranges: readonly ChunkRange[],
    options: { readonly renew: boolean; readonly signal?: CancelSignal },
  ): Promise<readonly (ChunkContent | undefined)[]> {
    const { renew, signal } = options;
    if (this.#isLocal(node)) {
      if (renew) await this.#options.chunks.renew(owner, ranges);
      return this.#options.chunks.stat(owner, ranges);
    }
    const { chunks } = await this.#peer(node).bulk.unary(
      ChunkServiceService.statChunks,
      { owner: ownerMessage(owner), ranges: [...ranges], renew },
      { timeoutMs: statTimeoutMs, ...(signal && { signal }) },
    );
    if (chunks.length !== ranges.reduce((sum, { count }) => sum + count, 0)) {
      throw new QuorumError({ code: "internal", message: `DataNode ${node} did not say of each chunk what it has` });
    }
    return chunks.map(({ size, crc32c: checksum }) => (size === 0 ? undefined : { size, checksum }));
  }

  /**
   * Tells the node which chunks the chosen version of a file names.
   *
   * @throws QuorumError `unavailable`
   */
  async keep(node: NodeId, owner: FileOwner, version: Ballot, ranges: readonly ChunkRange[]): Promise<void> {
    if (this.#isLocal(node)) return this.#options.chunks.keep(owner, version, ranges);
    const request = { owner: ownerMessage(owner), version, ranges: [...ranges] };
    await this.#peer(node).bulk.unary(ChunkServiceService.keepChunks, request, { timeoutMs: keepTimeoutMs });
  }

  #pieces(node: NodeId, key: ChunkKey, range: ByteRange, signal: CancelSignal): AsyncIterable<StoredPiece> {
    if (this.#isLocal(node)) return this.#options.chunks.read(key, range);
    const { owner, upload, index } = key;
    const request = { owner: ownerMessage(owner), upload, index, ...range };
    const options = { timeoutMs: readTimeoutMs, signal };
    return piecesOf(this.#peer(node).bulk.serverStream(ChunkServiceService.readChunk, request, options));
  }

  #isLocal(node: NodeId): boolean {
    return this.#options.isLocal(node);
  }

  #peer(node: NodeId): Peer {
    const peer = this.#options.peers.find(node);
    if (peer) return peer;
    throw new QuorumError({ code: "unavailable", message: `the address of DataNode ${node} is not known` });
  }
}

export interface ChunkPeersOptions {
  readonly peers: Peers;
  readonly chunks: ChunkStore;
  readonly isLocal: (node: NodeId) => boolean;
}

function ownerMessage({ bucket, path }: FileOwner): ChunkOwner {
  return { bucket, path };
}

async function* piecesOf(responses: AsyncIterable<ReadChunkResponse>): AsyncGenerator<StoredPiece> {
  for await (const { offset, data, blockCrc32c } of responses) yield { offset, data, checksums: blockCrc32c };
}
