const tileBytes = 65_536;

/** Bytes of which no two pieces of 64 KiB are alike, the same each time. */
export function pattern(length: number, seed = 1): Uint8Array {
  const tile = Buffer.alloc(tileBytes);
  let state = seed;
  for (let at = 0; at < tileBytes; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    tile.writeInt32LE(state, at);
  }
  const bytes = Buffer.alloc(length, tile);
  for (let at = 0; at + 4 <= length; at += tileBytes) bytes.writeInt32LE(at, at);
  return bytes;
}

/** As a stream of unknown length would bring it. */
export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
