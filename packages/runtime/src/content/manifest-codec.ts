/**
 * A manifest as it lies in records and travels in votes: CRC-32C of what follows (4 bytes, little-endian), then the
 * message `Manifest`. The checksum goes with it from the client's memory to the last disk.
 */
import { type Extent, type Manifest, QuorumError } from "@quorumfs/core";
import { type Extent as ExtentMessage, Manifest as ManifestMessage } from "@quorumfs/proto";
import { crc32c } from "./crc32c.js";

const checksumBytes = 4;

export function encodeManifest(manifest: Manifest): Uint8Array {
  const { extents, pages, hashState } = manifest;
  const message = ManifestMessage.encode({
    extents: extents.map(toMessage),
    pages: pages && toMessage(pages),
    hashState,
  }).finish();
  const bytes = Buffer.allocUnsafe(checksumBytes + message.length);
  bytes.writeUInt32LE(crc32c(message), 0);
  bytes.set(message, checksumBytes);
  return bytes;
}

/**
 * Decodes without looking at what the manifest says; `checkManifest` does that. Ids are copies that the caller may keep.
 *
 * @throws QuorumError `corrupt`
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const message = bytes.subarray(checksumBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < checksumBytes || crc32c(message) !== view.getUint32(0, true)) {
    throw new QuorumError({ code: "corrupt", message: "a manifest does not match its checksum" });
  }
  try {
    const { extents, pages, hashState } = ManifestMessage.decode(message);
    const decoded = { extents: extents.map(fromMessage), hashState: new Uint8Array(hashState) };
    return pages ? { ...decoded, pages: fromMessage(pages) } : decoded;
  } catch (cause) {
    throw new QuorumError({ code: "corrupt", message: "a manifest could not be decoded", cause });
  }
}

function toMessage({ upload, first, chunkBytes, lastBytes, checksums }: Extent): ExtentMessage {
  return { upload, first, chunkBytes, lastBytes, crc32c: [...checksums] };
}

function fromMessage({ upload, first, chunkBytes, lastBytes, crc32c: checksums }: ExtentMessage): Extent {
  return { upload: new Uint8Array(upload), first, chunkBytes, lastBytes, checksums };
}
