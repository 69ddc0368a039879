import { crc32c as castagnoli } from "@node-rs/crc32";

/**
 * CRC-32C (Castagnoli), by the processor's own instruction where it has one.
 *
 * @param from the checksum of what comes before, to go on from there
 */
export function crc32c(bytes: Uint8Array, from = 0): number {
  return castagnoli(asBuffer(bytes), from);
}

// The same bytes, not a copy of them.
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
