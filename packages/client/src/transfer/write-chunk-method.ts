import type { Method } from "@quorumfs/core";
import { ChunkServiceService, WriteChunkRequest, type WriteChunkResponse } from "@quorumfs/proto";

/** `WriteChunk` with requests that are encoded already, since the same go to every replica. */
export const writeChunkMethod: Method<Uint8Array, WriteChunkResponse> = {
  ...ChunkServiceService.writeChunk,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  requestPieces: (bytes) => [bytes],
};

export function encodeHeader(header: {
  readonly owner: { readonly bucket: number; readonly path: string };
  readonly upload: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly checksum: number;
}): Uint8Array {
  const { owner, upload, index, size, checksum } = header;
  const value = { owner: { bucket: owner.bucket, path: owner.path }, upload, index, size, crc32c: checksum };
  return WriteChunkRequest.encode({ part: { $case: "header", value } }).finish();
}
