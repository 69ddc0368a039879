const pieceBytes = 256 * 1024;
const sourceBytes = 16 * 1024 * 1024;
// The golden ratio's bits: multiples of it, modulo 2^32, hit every number once and look like none of them.
const factor = 0x9e37_79b1;

let source: Buffer | undefined;

/** Makes what all content consists of, so that this is not counted for the memory of a transfer. */
export function prepareContent(): void {
  source ??= makeSource();
}

/** Content in pieces, from memory, so that its making costs next to nothing; nothing in it can be compressed. */
export function* content(bytes: number): Generator<Uint8Array, void, undefined> {
  source ??= makeSource();
  for (let at = 0; at < bytes; at += pieceBytes) {
    const offset = at % sourceBytes;
    yield source.subarray(offset, offset + Math.min(pieceBytes, bytes - at));
  }
}

function makeSource(): Buffer {
  const made = Buffer.allocUnsafeSlow(sourceBytes);
  const words = new Uint32Array(made.buffer);
  for (let index = 0; index < words.length; index += 1) words[index] = Math.imul(index, factor);
  return made;
}
