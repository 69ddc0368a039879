/**
 * Finds the one bit that is wrong in damaged trees. There is so much redundancy in them that, as a rule, a single flipped
 * bit can be told: flipped back, it makes everything fit again, and no other bit does.
 *
 * Where it is looked for: in the page at which the check ended; and in the branch above, which may point to a wrong page or
 * promise a wrong range. A bit of a row's key may have several solutions, and only the row's own checksum knows which; so there
 * nothing is done. Nor is it where two bits are wrong.
 */
import type { Buffer } from "node:buffer";
import { damageOfTrees, type PageFile } from "./tree-check.js";
import { type DamagedPage, type TreeDamage, TreePage } from "./tree-page.js";

/** A place in the file. */
export interface FileBit {
  readonly page: number;
  /** In the page, counted from the first byte's lowest bit. */
  readonly bit: number;
}

/** Each costs a look at all trees. */
const candidatesMax = 8;

/** @returns the bit to flip, if there is exactly one that puts the trees right */
export function wrongBit(file: PageFile, damage: TreeDamage): FileBit | undefined {
  const [lowest, above] = damage.path;
  if (!lowest) return undefined;
  const [mended, ...more] = bitsThatMend(file, bitsOfPage(file, lowest));
  if (mended && more.length === 0) return mended;
  if (!above) return undefined;
  // What a branch says of a range matters only in so far as it fits: any bit that makes it fit will do.
  return bitsThatMend(file, bitsOfParent(file, { child: lowest, parent: above }))[0];
}

function bitsThatMend(file: PageFile, candidates: readonly FileBit[]): readonly FileBit[] {
  if (candidates.length > candidatesMax) return [];
  return candidates.filter((bit) => damageOfTrees(withFlipped(file, bit)) === undefined);
}

/** Bits that make a page fit, as far as it can be seen on that page alone. */
function bitsOfPage(file: PageFile, at: DamagedPage): readonly FileBit[] {
  const bytes = file.read(at.page, 1);
  // If nothing is wrong with the page itself, every bit of a value would seem to mend it.
  if (fits(bytes, at)) return [];
  const bits: FileBit[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    flip(bytes, bit);
    if (fits(bytes, at)) bits.push({ page: at.page, bit });
    flip(bytes, bit);
  }
  return bits;
}

/** Bits of a branch that lead to another page instead of `child`, or to another range for it, so that it fits there. */
function bitsOfParent(
  file: PageFile,
  { child, parent }: { readonly child: DamagedPage; readonly parent: DamagedPage },
): readonly FileBit[] {
  const bytes = file.read(parent.page, 1);
  const index = indexOfChild(bytes, parent, child.page);
  if (index === undefined) return [];
  const bits: FileBit[] = [];
  for (const byte of bytesAbout(bytes, parent, index)) {
    for (let bit = byte * 8; bit < byte * 8 + 8; bit += 1) {
      flip(bytes, bit);
      if (fits(bytes, parent) && fitsBelow(file, { bytes, parent, index, child }))
        bits.push({ page: parent.page, bit });
      flip(bytes, bit);
    }
  }
  return bits;
}

function indexOfChild(bytes: Buffer, parent: DamagedPage, child: number): number | undefined {
  const page = new TreePage(bytes, parent);
  for (let index = 0; index < page.count; index += 1) if (page.child(index) === child) return index;
  return undefined;
}

/** Where a branch keeps the number of a child, and the keys at both ends of its range. */
function bytesAbout(bytes: Buffer, parent: DamagedPage, index: number): readonly number[] {
  const page = new TreePage(bytes, parent);
  const about = bytesFrom(page.offset(index), 6);
  for (const end of [index, index + 1]) {
    if (end > 0 && end < page.count) about.push(...bytesFrom(page.offset(end) + 8, page.key(end).length));
  }
  return about;
}

function bytesFrom(start: number, length: number): number[] {
  return Array.from({ length }, (_, byte) => start + byte);
}

function fitsBelow(
  file: PageFile,
  options: {
    readonly bytes: Buffer;
    readonly parent: DamagedPage;
    readonly index: number;
    readonly child: DamagedPage;
  },
): boolean {
  const { bytes, parent, index, child } = options;
  const page = new TreePage(bytes, parent);
  const low = index === 0 ? parent.bounds.low : page.key(index);
  const high = index + 1 < page.count ? page.key(index + 1) : parent.bounds.high;
  const number = page.child(index);
  if (number >= file.pages) return false;
  return fits(file.read(number, 1), { ...child, page: number, bounds: { low, high } });
}

function fits(bytes: Buffer, at: DamagedPage): boolean {
  try {
    const page = new TreePage(bytes, at);
    if (page.count === 0) return false;
    page.checkOrder(at);
    for (let index = 0; at.isLeaf && index < page.count; index += 1) page.value(index);
    return true;
  } catch {
    return false;
  }
}

function withFlipped(file: PageFile, { page: flipped, bit }: FileBit): PageFile {
  return {
    pageBytes: file.pageBytes,
    pages: file.pages,
    read: (page, count) => {
      const bytes = file.read(page, count);
      if (page <= flipped && flipped < page + count) flip(bytes, (flipped - page) * file.pageBytes * 8 + bit);
      return bytes;
    },
  };
}

function flip(bytes: Buffer, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
}
