/**
 * Mixes a 32-bit number so that each input bit moves about half of the output bits (the finalizer of MurmurHash3,
 * by Austin Appleby, public domain).
 */
export function mix32(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
