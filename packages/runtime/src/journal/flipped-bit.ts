/**
 * Finds the one bit that is wrong in a frame or a row, by its CRC-32. A CRC is linear: what a flipped bit does to it depends on the
 * bit's distance from the end alone, and up to 2^32 bits no two distances do the same. So a frame with one wrong bit can be put
 * right, and a node that was killed and lost a bit of its journal still starts with all that it has acknowledged.
 *
 * A frame that was torn by a crash is taken for one with a wrong bit about once in 2^32 / bits times. It was not acknowledged, so it
 * may count or not; and rows that came out of it as garbage have checksums of their own.
 */
/** The reflected polynomial of zlib's CRC-32. */
const polynomial = 0xedb88320;

const afterByte = Uint32Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit += 1) register = (register >>> 1) ^ (register & 1 ? polynomial : 0);
  return register;
});

/**
 * @param length of what the checksum covers, in bytes
 * @param difference between the checksum that it has and the one that it should have, bit by bit
 * @returns which bit has to be flipped, counted from the first byte's lowest; undefined if no single one makes that difference
 */
export function flippedBit(length: number, difference: number): number | undefined {
  // What each bit of the byte that is looked at does to the checksum.
  const effects = Uint32Array.from({ length: 8 }, (_, bit) => afterByte[1 << bit] ?? 0);
  for (let byte = length - 1; byte >= 0; byte -= 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const effect = effects[bit] ?? 0;
      if (effect === difference >>> 0) return byte * 8 + bit;
      effects[bit] = (effect >>> 8) ^ (afterByte[effect & 0xff] ?? 0);
    }
  }
  return undefined;
}

/** Whether exactly one bit is set. */
export function isSingleBit(number: number): boolean {
  return number !== 0 && (number & (number - 1)) === 0;
}
