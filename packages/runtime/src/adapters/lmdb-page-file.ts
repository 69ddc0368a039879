import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { type Log, QuorumError } from "@quorumfs/core";
import { damageOfTrees, type PageFile } from "../lmdb/tree-check.js";
import { wrongBit } from "../lmdb/tree-mend.js";

/**
 * Larger stores are opened unchecked: their pages may have to come from the disk one by one, and a node that is away for
 * minutes costs more than what is noticed. This much takes a second or two.
 */
export const checkedBytesMax = 2 ** 30;

// Where a meta page says how large a page is; see lmdb-header.ts.
const pageBytesOffset = 48;
const sweepBytes = 1024 * 1024;

/**
 * Looks whether a store's trees are whole, and puts right a single flipped bit where it can be told which that is. Nobody else
 * may use the store.
 *
 * @throws QuorumError `corrupt`
 */
export function checkLmdbTrees(path: string, log?: Log): void {
  const descriptor = openIfThere(path);
  if (descriptor === undefined) return;
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0 || size > checkedBytesMax) return;
    const file = pageFile(descriptor, size);
    const damage = damageOfTrees(file);
    if (!damage) return;
    const wrong = wrongBit(file, damage);
    if (!wrong) throw damaged(path, damage);
    flipBack(path, wrong.page * file.pageBytes * 8 + wrong.bit);
    log?.warn("store.bit-put-right", { path, page: wrong.page, bit: wrong.bit, damage: damage.message });
  } finally {
    closeSync(descriptor);
  }
}

function damaged(path: string, cause: Error): QuorumError {
  const message =
    `${path} is damaged (${cause.message}): acknowledged writes may be missing from it; ` +
    "start the node anew with an empty data directory";
  return new QuorumError({ code: "corrupt", message, cause });
}

function flipBack(path: string, bit: number): void {
  const descriptor = openSync(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    const position = Math.floor(bit / 8);
    readSync(descriptor, byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8() ^ (1 << (bit % 8)));
    writeSync(descriptor, byte, 0, 1, position);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function pageFile(descriptor: number, size: number): PageFile {
  sweep(descriptor, size);
  const head = Buffer.alloc(pageBytesOffset + 4);
  readSync(descriptor, head, 0, head.length, 0);
  const pageBytes = head.readUInt32LE(pageBytesOffset);
  return {
    pageBytes,
    pages: Math.floor(size / pageBytes),
    read: (page, count) => {
      const bytes = Buffer.allocUnsafe(count * pageBytes);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, page * pageBytes));
    },
  };
}

/** Has the system fetch the file in one go, so that the pages of its trees need not be waited for one by one. */
function sweep(descriptor: number, size: number): void {
  const bytes = Buffer.alloc(Math.min(size, sweepBytes));
  for (let position = 0; position < size; position += bytes.length) {
    if (readSync(descriptor, bytes, 0, bytes.length, position) === 0) return;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
