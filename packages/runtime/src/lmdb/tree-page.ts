/**
 * Pages of LMDB's trees as they lie in the file: mdb.c of lmdb-js (data version 2), on a 64-bit little-endian machine.
 *
 * ```
 * page    number 8 | txn 8 | unused 2 | flags 2 | lower 2 | upper 2 | offsets of nodes, 2 each | ... | nodes
 * node    low 4 | flags 2 | key length 2 | key | value, of a leaf
 * tree    unused 4 | flags 2 | depth 2 | branch pages 8 | leaf pages 8 | overflow pages 8 | entries 8 | root 8
 * ```
 * `lower` and `upper` bound the free space in the middle; they and the offsets count from the header's end. `low` is a value's
 * length, and together with the flags the number of a branch's child. The key of a branch's first node counts for nothing.
 */
import type { Buffer } from "node:buffer";

export const pageHeaderBytes = 24;
const branchFlag = 1;
const leafFlag = 2;

/** Marks of a transaction under way; left over in a page, they mean nothing. */
const passingFlags = 0xe000;

const nodeHeaderBytes = 8;
const onOverflowPages = 1;
const subTree = 2;
/** Page number, txn, pages: what a leaf has in the place of a value that is on pages of its own. */
const overflowBytes = 24;

/** What the file says is not possible; the message is for people. */
export class TreeDamage extends Error {
  override readonly name = "TreeDamage";
  /** The page that was looked at, and those above it, the lowest first. */
  readonly path: DamagedPage[] = [];
}

export interface DamagedPage {
  readonly page: number;
  readonly isLeaf: boolean;
  /** The newest transaction: a page that claims to be of a later one would be written to as if it were memory. */
  readonly txn: number;
  readonly bounds: Bounds;
  readonly compare: CompareKeys;
}

/** Keys of a page lie from `low` on and below `high`. */
export interface Bounds {
  readonly low: Buffer | undefined;
  readonly high: Buffer | undefined;
}

export type CompareKeys = (a: Buffer, b: Buffer) => number;

/** A tree's own account of itself; its counts of pages are left out, since nothing depends on them. */
export interface Tree {
  readonly depth: number;
  readonly entries: number;
  readonly root: number;
}

export const treeBytes = 48;

export function treeAt(bytes: Buffer, offset: number): Tree {
  const depth = bytes.readUInt16LE(offset + 6);
  return {
    depth,
    entries: numberAt(bytes, offset + 32),
    // An empty tree has no root.
    root: depth === 0 ? 0 : numberAt(bytes, offset + 40),
  };
}

/** u64, as far as it can be that of a file. */
export function numberAt(bytes: Buffer, offset: number): number {
  const high = bytes.readUInt32LE(offset + 4);
  if (high >= 2 ** 20) throw new TreeDamage("a number that no file is large enough for");
  return high * 2 ** 32 + bytes.readUInt32LE(offset);
}

export type LeafValue =
  | { readonly kind: "here"; readonly bytes: Buffer }
  | { readonly kind: "tree"; readonly tree: Tree }
  | { readonly kind: "overflow"; readonly bytes: number; readonly page: number; readonly pages: number };

export class TreePage {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #upper: number;

  /** @throws TreeDamage if it is not this page, of this kind, with its nodes side by side up to its end */
  constructor(bytes: Buffer, { page, isLeaf, txn }: Pick<DamagedPage, "page" | "isLeaf" | "txn">) {
    this.#bytes = bytes;
    if (numberAt(bytes, 0) !== page) throw new TreeDamage("another page's number");
    if (numberAt(bytes, 8) > txn) throw new TreeDamage("a page of a transaction to come");
    const kind = bytes.readUInt16LE(18) & ~passingFlags;
    if (kind !== (isLeaf ? leafFlag : branchFlag)) throw new TreeDamage("a page of another kind");
    const lower = bytes.readUInt16LE(20);
    this.#upper = bytes.readUInt16LE(22);
    if (lower % 2 !== 0 || lower > this.#upper || this.#upper > bytes.length - pageHeaderBytes) {
      throw new TreeDamage("a page with impossible bounds");
    }
    this.count = lower / 2;
    this.#checkTiling(isLeaf);
  }

  /** Nodes lie without gaps, so that no length and no offset can be wrong alone. */
  #checkTiling(isLeaf: boolean): void {
    const bytes = this.#bytes;
    const nodes = Array.from({ length: this.count }, (_, index) => this.#nodeAt(index)).sort((a, b) => a - b);
    let end = pageHeaderBytes + this.#upper;
    for (const offset of nodes) {
      if (offset !== end) throw new TreeDamage("nodes that do not fill their page");
      const value = isLeaf ? this.#valueBytes(offset) : 0;
      const node = nodeHeaderBytes + bytes.readUInt16LE(offset + 6) + value;
      end += node + (node % 2);
    }
    if (end !== bytes.length) throw new TreeDamage("nodes that do not fill their page");
  }

  key(index: number): Buffer {
    const start = this.#nodeAt(index) + nodeHeaderBytes;
    return this.#bytes.subarray(start, start + this.#bytes.readUInt16LE(start - 2));
  }

  /** Where a node lies in its page. */
  offset(index: number): number {
    return this.#nodeAt(index);
  }

  /** @throws TreeDamage if the keys are not in order, or not within the bounds */
  checkOrder({ isLeaf, bounds, compare }: Pick<DamagedPage, "isLeaf" | "bounds" | "compare">): void {
    // The first key of a branch counts for nothing.
    let before: Buffer | undefined;
    for (let index = isLeaf ? 0 : 1; index < this.count; index += 1) {
      const key = this.key(index);
      if (before && compare(before, key) >= 0) throw new TreeDamage("keys out of order");
      if (!before && bounds.low && compare(key, bounds.low) < (isLeaf ? 0 : 1)) {
        throw new TreeDamage("a key before the range of its page");
      }
      before = key;
    }
    if (before && bounds.high && compare(before, bounds.high) >= 0)
      throw new TreeDamage("a key behind its page's range");
  }

  /** Of a branch. */
  child(index: number): number {
    const offset = this.#nodeAt(index);
    return this.#bytes.readUInt16LE(offset + 4) * 2 ** 32 + this.#bytes.readUInt32LE(offset);
  }

  /** Of a leaf. */
  value(index: number): LeafValue {
    const offset = this.#nodeAt(index);
    const flags = this.#bytes.readUInt16LE(offset + 4);
    const start = offset + nodeHeaderBytes + this.#bytes.readUInt16LE(offset + 6);
    const bytes = this.#bytes.readUInt32LE(offset);
    if (flags === onOverflowPages) {
      const pages = numberAt(this.#bytes, start + 16);
      return { kind: "overflow", bytes, page: numberAt(this.#bytes, start), pages };
    }
    if (flags === subTree && bytes === treeBytes) return { kind: "tree", tree: treeAt(this.#bytes, start) };
    if (flags !== 0) throw new TreeDamage("a node of an unknown kind");
    return { kind: "here", bytes: this.#bytes.subarray(start, start + bytes) };
  }

  #valueBytes(offset: number): number {
    const isAway = this.#bytes.readUInt16LE(offset + 4) === onOverflowPages;
    return isAway ? overflowBytes : this.#bytes.readUInt32LE(offset);
  }

  #nodeAt(index: number): number {
    const offset = this.#bytes.readUInt16LE(pageHeaderBytes + 2 * index);
    if (offset < this.#upper || offset + pageHeaderBytes + nodeHeaderBytes > this.#bytes.length) {
      throw new TreeDamage("a node outside of its page");
    }
    return pageHeaderBytes + offset;
  }
}
