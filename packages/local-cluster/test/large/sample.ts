import { createCipheriv, createHash } from "node:crypto";

export const mebibyte = 1024 * 1024;

const pieceBytes = 1024 * 1024;

/** Bytes that look random and are the same for the same seed, a piece at a time. */
export function* samplePieces(size: number, seed: number): Generator<Buffer> {
  const key = createHash("sha256").update(`sample ${seed}`).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.min(size, pieceBytes));
  for (let at = 0; at < size; at += pieceBytes) yield cipher.update(zeros.subarray(0, Math.min(size - at, pieceBytes)));
}

/** All of {@link samplePieces}. */
export function sample(size: number, seed: number): Buffer {
  return Buffer.concat([...samplePieces(size, seed)]);
}

export async function* inPieces(content: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
}

/** Everything that a stream still delivers. */
export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Short, so that a difference does not print megabytes. */
export function same(a: Uint8Array, b: Uint8Array): string {
  if (Buffer.compare(a, b) === 0) return "same";
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return `${a.byteLength} and ${b.byteLength} bytes, different at ${at < 0 ? Math.min(a.byteLength, b.byteLength) : at}`;
}
