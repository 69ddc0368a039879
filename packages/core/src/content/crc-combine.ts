/**
 * The CRC-32C of two pieces together from those of each, without their bytes: so a chunk's checksum follows from those of
 * its blocks, and no byte is gone over twice. A CRC is a remainder modulo a polynomial; bytes behind it multiply it by a power
 * of x. The way of doing it is Mark Adler's in zlib (`crc32_combine`), with Castagnoli's polynomial.
 */

/** Castagnoli's, lowest power in the highest bit. */
const polynomial = 0x82f63b78;
const one = 0x8000_0000;

/** x to the power of 2^n, for n from 0. */
const squares: readonly number[] = squaresOfX();

/**
 * @param first CRC-32C of what comes first
 * @param second CRC-32C of what comes behind it
 * @param secondBytes how much that is
 */
export function combineCrc32c(first: number, second: number, secondBytes: number): number {
  let power = one;
  // Eight bits a byte: from x^8 on.
  for (let rest = secondBytes, square = 3; rest > 0; rest = Math.floor(rest / 2), square += 1) {
    if (rest % 2 === 1) power = multiply(squares[square % squares.length] ?? one, power);
  }
  return (multiply(power, first) ^ second) >>> 0;
}

function squaresOfX(): number[] {
  const found: number[] = [];
  let power = one >>> 1;
  for (let n = 0; n < 32; n += 1) {
    found.push(power);
    power = multiply(power, power);
  }
  return found;
}

/** The product of two polynomials, of which `a` is not zero. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ polynomial : shifted >>> 1;
  }
  return product >>> 0;
}
