import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { QuorumError } from "@quorumfs/core";
import { damageOfTrees } from "../lmdb/tree-check.js";

/**
 * Larger stores are opened unchecked: their pages may have to come from the disk one by one, and a node that is away for
 * minutes costs more than what is noticed. This much takes a second or two.
 */
export const checkedBytesMax = 2 ** 30;

// Where a meta page says how large a page is; see lmdb-header.ts.
const pageBytesOffset = 48;
const sweepBytes = 1024 * 1024;

/**
 * Looks whether a store's trees are whole. Nobody may be writing to it.
 *
 * @throws QuorumError `corrupt`
 */
export function checkLmdbTrees(path: string): void {
  const descriptor = openIfThere(path);
  if (descriptor === undefined) return;
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0 || size > checkedBytesMax) return;
    const damage = damageOfTrees(pageFile(descriptor, size));
    if (damage === undefined) return;
    throw new QuorumError({
      code: "corrupt",
      message:
        `${path} is damaged (${damage}): acknowledged writes may be missing from it; ` +
        "start the node anew with an empty data directory",
    });
  } finally {
    closeSync(descriptor);
  }
}

function pageFile(descriptor: number, size: number) {
  sweep(descriptor, size);
  const head = Buffer.alloc(pageBytesOffset + 4);
  readSync(descriptor, head, 0, head.length, 0);
  const pageBytes = head.readUInt32LE(pageBytesOffset);
  return {
    pageBytes,
    pages: Math.floor(size / pageBytes),
    read: (page: number, count: number): Buffer => {
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
