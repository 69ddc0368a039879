import { createHash } from "node:crypto";
import { assert, chunkBytesMax, type Extent } from "@quorumfs/core";
import type { ChunkBuffer } from "./chunk-buffer.js";
import type { Upload } from "./upload.js";

/** Bytes, one piece after another; undefined at the end. */
export type NextPiece = () => Promise<Uint8Array | undefined>;

/** Takes the bytes as they go by. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
}

export interface UploadedContent {
  /** One extent of the upload; undefined if there were no bytes. */
  readonly extent: Extent | undefined;
  readonly size: number;
}

/**
 * Cuts content into chunks from `first` on and sees each of them safe. Reading and hashing go on while chunks are on their
 * way.
 *
 * @param options.size what `next` will come to, if that is known
 * @throws QuorumError what ended the upload's lifetime, or what `next` has thrown
 */
export async function uploadContent(
  upload: Upload,
  next: NextPiece,
  options: { readonly first: number; readonly hash?: RunningHash; readonly size?: number | undefined },
): Promise<UploadedContent> {
  const { first, hash, size: announced } = options;
  const { lifetime } = upload.options;
  const checksums: number[] = [];
  let size = 0;
  let buffer: ChunkBuffer | undefined;
  const send = async (filled: ChunkBuffer): Promise<void> => {
    buffer = undefined;
    checksums.push(await upload.send(first + checksums.length, filled));
  };
  try {
    for (let piece = await lifetime.race(next()); piece; piece = await lifetime.race(next())) {
      for (let from = 0; from < piece.length;) {
        buffer ??= await upload.buffer(announced === undefined ? undefined : announced - size);
        const taken = buffer.append(piece.subarray(from));
        hash?.update(piece.subarray(from, from + taken));
        from += taken;
        size += taken;
        if (buffer.full) await send(buffer);
      }
    }
    if (buffer) await send(buffer);
  } finally {
    if (buffer) upload.giveBack(buffer);
  }
  await upload.settle();
  return { extent: extentOf(upload.options.upload, { first, checksums, size }), size };
}

function extentOf(
  upload: Uint8Array,
  chunks: { readonly first: number; readonly checksums: readonly number[]; readonly size: number },
): Extent | undefined {
  const { first, checksums, size } = chunks;
  assert(checksums.length === Math.ceil(size / chunkBytesMax), "only the last chunk is shorter than the others");
  if (checksums.length === 0) return undefined;
  const lastBytes = size - (checksums.length - 1) * chunkBytesMax;
  return { upload, first, chunkBytes: chunkBytesMax, lastBytes, checksums };
}

/** SHA-256 of what goes by. */
export function sha256Running(): RunningHash & { digest(): Uint8Array } {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest(),
  };
}
