/** How many of a file's chunks each DataNode has, of those that it should. */
import {
  type CancelSignal,
  chunksOf,
  type Clock,
  type Extent,
  extentsBytes,
  type Manifest,
  type NodeId,
  QuorumError,
} from "@quorumfs/core";
import type { BucketView, ClusterView } from "../cluster/cluster-view.js";
import type { ChunkPeers } from "../content/chunk-peers.js";
import { chunkVoters } from "../content/chunk-places.js";
import type { ManifestPages } from "../content/manifest-pages.js";

// As much as a node tells at once, far below what it may be asked; placed and compared in a few milliseconds.
const batchChunks = 8192;

export interface ChunkHoldings {
  readonly wanted: number;
  readonly held: number;
  /** Why the node did not say; undefined: it did. */
  readonly failure: string | undefined;
}

export interface CensusOptions {
  readonly peers: Pick<ChunkPeers, "stat">;
  readonly pages: Pick<ManifestPages, "extentsOf">;
  readonly clock: Clock;
}

export interface CensusFile {
  readonly view: ClusterView;
  readonly bucket: BucketView;
  readonly path: string;
  readonly manifest: Manifest;
  readonly size: number;
  /** Nodes that need not be asked, and why. */
  readonly silent: ReadonlyMap<NodeId, string>;
}

/** The chunks of one node in one batch. */
interface Share {
  readonly ranges: { upload: Uint8Array; first: number; count: number }[];
  readonly checksums: number[];
}

/**
 * Renews nothing: what is looked at stays as long as it would have.
 *
 * @throws QuorumError `unavailable`: the manifest's pages cannot be read; `cancelled`
 */
export async function takeChunkCensus(
  options: CensusOptions,
  file: CensusFile,
  signal: CancelSignal,
): Promise<{ readonly chunks: number; readonly holdings: ReadonlyMap<NodeId, ChunkHoldings> }> {
  const { manifest, bucket, path, size } = file;
  const owner = { bucket: bucket.id, path };
  const extents = await options.pages.extentsOf(owner, { manifest, size }, signal);
  const all: readonly Extent[] = manifest.pages ? [...extents, manifest.pages] : extents;
  const holdings = new Map<NodeId, ChunkHoldings>();
  let chunks = 0;
  let shares = new Map<NodeId, Share>();
  let placed = 0;
  const count = async (): Promise<void> => {
    await countShares(options, { owner, shares, holdings, silent: file.silent }, signal);
    shares = new Map();
    placed = 0;
  };
  for (const piece of chunksOf(all, { offset: 0, length: extentsBytes(all) })) {
    chunks += 1;
    for (const node of chunkVoters(file.view, bucket, piece).members) addTo(shares, node, piece);
    placed += 1;
    if (placed >= batchChunks) await count();
  }
  await count();
  return { chunks, holdings };
}

function addTo(
  shares: Map<NodeId, Share>,
  node: NodeId,
  piece: { readonly upload: Uint8Array; readonly index: number; readonly checksum: number },
): void {
  let share = shares.get(node);
  if (!share) shares.set(node, (share = { ranges: [], checksums: [] }));
  const last = share.ranges.at(-1);
  if (last?.upload === piece.upload && last.first + last.count === piece.index) last.count += 1;
  else share.ranges.push({ upload: piece.upload, first: piece.index, count: 1 });
  share.checksums.push(piece.checksum);
}

async function countShares(
  { peers, clock }: CensusOptions,
  batch: {
    readonly owner: { readonly bucket: BucketView["id"]; readonly path: string };
    readonly shares: ReadonlyMap<NodeId, Share>;
    readonly holdings: Map<NodeId, ChunkHoldings>;
    readonly silent: ReadonlyMap<NodeId, string>;
  },
  signal: CancelSignal,
): Promise<void> {
  const { owner, shares, holdings, silent } = batch;
  await Promise.all(
    [...shares].map(async ([node, { ranges, checksums }]) => {
      const before = holdings.get(node) ?? { wanted: 0, held: 0, failure: silent.get(node) };
      const wanted = before.wanted + checksums.length;
      // Who has failed once is not waited for again.
      if (before.failure !== undefined) return void holdings.set(node, { ...before, wanted });
      try {
        const found = await peers.stat(node, owner, ranges, { renew: false, signal });
        const held = found.filter((chunk, index) => chunk?.checksum === checksums[index]).length;
        holdings.set(node, { wanted, held: before.held + held, failure: undefined });
      } catch (thrown) {
        holdings.set(node, { ...before, wanted, failure: QuorumError.from(thrown).message });
      }
    }),
  );
  await new Promise<void>((resolve) => clock.endOfTurn(resolve));
}
