/** The messages of ChunkService as the store takes them: checked once, and sharing no memory with what came in. */
import { bucketId, checkPath, type ChunkRange, QuorumError } from "@quorumfs/core";
import type { ChunkOwner, ChunkRange as RangeMessage } from "@quorumfs/proto";
import { type ChunkKey, type FileOwner, uploadIdBytes } from "./chunk-key.js";

/** @throws QuorumError `invalid_argument` */
export function ownerFromWire(owner: ChunkOwner | undefined): FileOwner {
  if (!owner || owner.bucket < 1) throw invalid("a chunk's owner is missing");
  return { bucket: bucketId(owner.bucket), path: checkPath(owner.path) };
}

/** @throws QuorumError `invalid_argument` */
export function chunkKeyFromWire(message: {
  readonly owner: ChunkOwner | undefined;
  readonly upload: Uint8Array;
  readonly index: number;
}): ChunkKey {
  return { owner: ownerFromWire(message.owner), upload: uploadFromWire(message.upload), index: message.index };
}

/** @throws QuorumError `invalid_argument` */
export function rangesFromWire(ranges: readonly RangeMessage[]): readonly ChunkRange[] {
  return ranges.map(({ upload, first, count }) => ({ upload: uploadFromWire(upload), first, count }));
}

function uploadFromWire(upload: Uint8Array): Uint8Array {
  if (upload.length !== uploadIdBytes) throw invalid(`an upload id has ${uploadIdBytes} bytes`);
  return new Uint8Array(upload);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
