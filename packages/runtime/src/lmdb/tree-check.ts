/**
 * Whether LMDB's trees are whole. LMDB keeps no checksums of its pages: a bit that flips in a page's structure makes it
 * lose keys without a word, or end the process with a signal, and a replica that has lost a record answers "no record",
 * which is the one thing that it must never do. Rows have checksums of their own; what is checked here is the way to them:
 *
 * - each page is what it should be, its nodes fill it, its keys are in order and within what the branches above promise
 * - each tree has as many entries as it says
 * - no page is in use twice, or in use and free: the next write would spoil what it holds
 *
 * That is redundant enough to notice a single flipped bit anywhere, but in a row's value, or in a key where the order stays right:
 * those are for the rows' checksums, which start from their keys. What harms nothing is not checked, such as pages that were lost.
 */
import { Buffer } from "node:buffer";
import {
  type Bounds,
  type CompareKeys,
  numberAt,
  pageHeaderBytes,
  type Tree,
  treeAt,
  TreeDamage,
  TreePage,
} from "./tree-page.js";

/** The file as it was committed last. */
export interface PageFile {
  readonly pageBytes: number;
  /** Whole pages that the file has. */
  readonly pages: number;
  /** A page, or several that follow each other, in memory of their own. */
  read(page: number, count: number): Buffer;
}

const dataVersion = 2;
const metaPages = 2;
// Of a meta page, behind the page's header.
const at = { version: 4, freeTree: 24, mainTree: 72, lastPage: 120, txn: 128 } as const;

// The last pages may be free without ever having been written; never so many.
const unwrittenPagesMax = 2 ** 20;

// Trees of this depth would fill any disk.
const depthMax = 32;

/** @returns what is wrong; undefined if nothing is, or if the file is of a version that is not known here */
export function damageOfTrees(file: PageFile): TreeDamage | undefined {
  const [first, second] = [0, 1].map((page) => file.read(page, 1).subarray(pageHeaderBytes));
  if (!first || !second) return undefined;
  if ([first, second].some((meta) => meta.readUInt32LE(at.version) !== dataVersion)) return undefined;
  try {
    const newest = numberAt(first, at.txn) > numberAt(second, at.txn) ? first : second;
    const [lastPage, txn] = [numberAt(newest, at.lastPage), numberAt(newest, at.txn)];
    new TreeCheck(file, { lastPage, txn }).run({
      main: treeAt(newest, at.mainTree),
      free: treeAt(newest, at.freeTree),
    });
    return undefined;
  } catch (thrown) {
    return damageFrom(thrown);
  }
}

/** @throws what is no word about the file */
function damageFrom(thrown: unknown): TreeDamage {
  if (thrown instanceof TreeDamage) return thrown;
  // Something pointed to where there is nothing.
  if (thrown instanceof RangeError) return new TreeDamage(`an impossible position: ${thrown.message}`);
  throw thrown;
}

type OnEntry = (key: Buffer, page: TreePage, index: number) => void;

interface Visit {
  readonly page: number;
  /** Of pages, this one included, down to the leaves. */
  readonly levels: number;
  readonly bounds: Bounds;
  readonly compare: CompareKeys;
  readonly onEntry: OnEntry;
}

class TreeCheck {
  readonly #file: PageFile;
  readonly #lastPage: number;
  readonly #txn: number;
  /** Pages that are used or free, by number. */
  readonly #seen: Uint8Array;

  constructor(file: PageFile, { lastPage, txn }: { readonly lastPage: number; readonly txn: number }) {
    if (lastPage > file.pages + unwrittenPagesMax) throw new TreeDamage("a last page far behind the end of the file");
    this.#file = file;
    this.#lastPage = lastPage;
    this.#txn = txn;
    this.#seen = new Uint8Array(lastPage + 1);
    this.#seen.fill(1, 0, metaPages);
  }

  run(roots: { readonly main: Tree; readonly free: Tree }): void {
    const tables: { readonly name: string; readonly tree: Tree }[] = [];
    this.#check("the table of tables", roots.main, (key, page, index) => {
      const value = page.value(index);
      if (value.kind !== "tree") throw new TreeDamage("an entry of the table of tables that is no table");
      tables.push({ name: key.toString("latin1"), tree: value.tree });
    });
    for (const { name, tree } of tables)
      this.#check(`table ${name}`, tree, (_key, page, index) => void page.value(index));
    this.#check(
      "the list of free pages",
      roots.free,
      (_key, page, index) => this.#takeFree(page, index),
      compareNumbers,
    );
  }

  #check(name: string, tree: Tree, onEntry: OnEntry, compare: CompareKeys = compareKeys): void {
    let entries = 0;
    try {
      if (tree.depth > depthMax) throw new TreeDamage("impossibly deep");
      if (tree.depth > 0) {
        const bounds = { low: undefined, high: undefined };
        entries = this.#visit({ page: tree.root, levels: tree.depth, bounds, compare, onEntry });
      }
      if (entries !== tree.entries) throw new TreeDamage(`${entries} entries where there should be ${tree.entries}`);
    } catch (thrown) {
      const damage = damageFrom(thrown);
      damage.message = `${name}: ${damage.message}`;
      throw damage;
    }
  }

  /** @returns how many entries there are below */
  #visit(visit: Visit): number {
    const { page: number, bounds, compare } = visit;
    const isLeaf = visit.levels === 1;
    const at = { page: number, isLeaf, bounds, compare, txn: this.#txn };
    try {
      this.#take(number, 1);
      const page = new TreePage(this.#file.read(visit.page, 1), at);
      if (page.count === 0) throw new TreeDamage("an empty page");
      page.checkOrder(at);
      return isLeaf ? this.#visitLeaf(page, visit) : this.#visitBranch(page, visit);
    } catch (thrown) {
      const damage = damageFrom(thrown);
      damage.path.push(at);
      throw damage;
    }
  }

  #visitLeaf(page: TreePage, { onEntry }: Visit): number {
    for (let index = 0; index < page.count; index += 1) {
      this.#takeOverflow(page, index);
      onEntry(page.key(index), page, index);
    }
    return page.count;
  }

  #visitBranch(page: TreePage, visit: Visit): number {
    const { levels, bounds } = visit;
    let entries = 0;
    for (let index = 0; index < page.count; index += 1) {
      const low = index === 0 ? bounds.low : page.key(index);
      const high = index + 1 < page.count ? page.key(index + 1) : bounds.high;
      entries += this.#visit({ ...visit, page: page.child(index), levels: levels - 1, bounds: { low, high } });
    }
    return entries;
  }

  #takeOverflow(page: TreePage, index: number): void {
    const value = page.value(index);
    if (value.kind !== "overflow") return;
    if (value.pages * this.#file.pageBytes < pageHeaderBytes + value.bytes)
      throw new TreeDamage("a value without room");
    this.#take(value.page, value.pages);
  }

  /** Numbers of pages; a negative one says how many follow the one behind it. */
  #takeFree(page: TreePage, index: number): void {
    const value = page.value(index);
    const list = value.kind === "here" ? value.bytes : value.kind === "overflow" ? this.#overflow(value) : undefined;
    if (!list) throw new TreeDamage("an entry that is no list");
    const count = numberAt(list, 0);
    for (let entry = 1; entry <= count; entry += 1) {
      const number = signedAt(list, entry * 8);
      if (number === 0) continue;
      if (number > 0) this.#take(number, 1);
      else {
        entry += 1;
        this.#take(signedAt(list, entry * 8), -number);
      }
    }
  }

  #overflow(value: { readonly page: number; readonly pages: number; readonly bytes: number }): Buffer {
    return this.#file.read(value.page, value.pages).subarray(pageHeaderBytes, pageHeaderBytes + value.bytes);
  }

  #take(page: number, count: number): void {
    if (page < metaPages || count < 1 || page + count > this.#lastPage + 1) {
      throw new TreeDamage(`a page beyond the file, ${page}`);
    }
    for (let taken = page; taken < page + count; taken += 1) {
      if (this.#seen[taken] === 1) throw new TreeDamage(`page ${taken} is in use twice, or free and in use`);
      this.#seen[taken] = 1;
    }
  }
}

function compareKeys(a: Buffer, b: Buffer): number {
  return Buffer.compare(a, b);
}

function compareNumbers(a: Buffer, b: Buffer): number {
  return numberAt(a, 0) - numberAt(b, 0);
}

function signedAt(bytes: Buffer, offset: number): number {
  const number = Number(bytes.readBigInt64LE(offset));
  if (!Number.isSafeInteger(number)) throw new TreeDamage("a number that no file is large enough for");
  return number;
}
