import { Buffer } from "node:buffer";

/** The same memory, with Buffer's ways of reading numbers and text. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
