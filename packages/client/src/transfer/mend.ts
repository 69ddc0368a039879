/**
 * Between a chunk's being safe and the vote a DataNode may die, so that the chunk is on fewer than W of those that answer.
 * Then it is copied from one that has it to the other replicas; nothing needs to be read from the source again.
 */
import { type ChunkPiece, type ChunkRange, chunksOf, type Extent, extentBytes, QuorumError } from "@quorumfs/core";
import { isSafe } from "../cluster/chunk-places.js";
import { backoffMs } from "../retry/backoff.js";
import { type Census, censusChunksMax, takeCensus } from "./chunk-census.js";
import { Download } from "./download.js";
import type { TransferContext } from "./transfer-context.js";
import type { Upload } from "./upload.js";

/**
 * @param extents of this upload
 * @returns whether anything was lacking, and is not any more
 * @throws QuorumError `unavailable` if nobody has a chunk any more; else as the upload
 */
export async function mend(context: TransferContext, upload: Upload, extents: readonly Extent[]): Promise<boolean> {
  let hasHelped = false;
  for (const extent of extents) {
    for (const range of rangesOf(extent)) if (await mendRange(context, upload, { extent, range })) hasHelped = true;
  }
  return hasHelped;
}

function* rangesOf({ upload, first, checksums }: Extent): Generator<ChunkRange, void, undefined> {
  for (let from = 0; from < checksums.length; from += censusChunksMax) {
    yield { upload, first: first + from, count: Math.min(censusChunksMax, checksums.length - from) };
  }
}

interface Lacking {
  readonly piece: ChunkPiece;
  /** Nobody who answers has it. */
  readonly isLost: boolean;
}

async function mendRange(
  context: TransferContext,
  upload: Upload,
  part: { readonly extent: Extent; readonly range: ChunkRange },
): Promise<boolean> {
  const { clock, random } = context;
  const { owner, lifetime, timeoutMs } = upload.options;
  const startedAtMs = clock.nowMs();
  for (let round = 1; ; round += 1) {
    const census = await lifetime.race(takeCensus(context, owner, part.range, { renew: true }));
    const lacking = lackingOf(upload, part, census);
    if (lacking.length === 0) return round > 1;
    const lost = lacking.find(({ isLost }) => isLost);
    if (!lost) {
      await copy(context, upload, { extent: part.extent, pieces: lacking.map(({ piece }) => piece) });
      return true;
    }
    // Those that are silent may have it, and may be back soon.
    if (census.silent.length === 0 || clock.nowMs() - startedAtMs >= timeoutMs) throw gone(upload, lost.piece, census);
    await lifetime.race(new Promise<void>((resolve) => clock.after(backoffMs(round, random), resolve)));
  }
}

function lackingOf(
  upload: Upload,
  { extent, range }: { readonly extent: Extent; readonly range: ChunkRange },
  census: Census,
): readonly Lacking[] {
  const lacking: Lacking[] = [];
  const offset = (range.first - extent.first) * extent.chunkBytes;
  const length = Math.min(range.count * extent.chunkBytes, extentBytes(extent) - offset);
  for (const piece of chunksOf([extent], { offset, length })) {
    const holders = census.holders(piece.index, piece);
    if (isSafe(upload.places(piece.index), (node) => holders.includes(node))) continue;
    lacking.push({ piece, isLost: holders.length === 0 });
  }
  return lacking;
}

async function copy(
  context: TransferContext,
  upload: Upload,
  chunks: { readonly extent: Extent; readonly pieces: readonly ChunkPiece[] },
): Promise<void> {
  const { name, owner, timeoutMs, lifetime } = upload.options;
  for (const { index, bytes, fileOffset } of chunks.pieces) {
    const buffer = await upload.buffer(bytes);
    try {
      await lifetime.lend(async (reading) => {
        const range = { offset: fileOffset, length: bytes };
        const source = { name, owner, extents: [chunks.extent], range, timeoutMs, lifetime: reading };
        const download = new Download(context, source);
        for (let piece = await download.next(); piece; piece = await download.next()) buffer.append(piece);
      });
    } catch (thrown) {
      upload.giveBack(buffer);
      throw thrown;
    }
    upload.sendAgain(index, buffer);
  }
  await upload.settle();
}

function gone(upload: Upload, { index }: ChunkPiece, { silent }: Census): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message:
      `chunk ${index} of ${upload.options.name} was stored, and no DataNode that answers has it any more; ` +
      "put the file again with the same request id and resume",
    details: { nodes: silent },
  });
}
