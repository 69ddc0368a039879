import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { QuorumError } from "@quorumfs/core";

// mdb.c of lmdb-js: a page header of 24 bytes, then the meta page's magic number, and 24 bytes on the size of a page.
const magicOffset = 24;
const magic = 0xbeefc0de;
const pageBytesOffset = 48;
const headBytes = 64;

/**
 * Looks whether a file can be a store at all: lmdb-js ends the process with a segmentation fault when it is not. A file
 * that does not exist yet, or is empty, can become one.
 *
 * @throws QuorumError `corrupt`
 */
export function checkLmdbHeader(path: string): void {
  const file = openIfThere(path);
  if (file === undefined) return;
  try {
    const { size } = fstatSync(file);
    if (size === 0) return;
    const first = read(file, 0);
    const pageBytes = first.readUInt32LE(pageBytesOffset);
    if (hasMagic(first) && size >= 2 * pageBytes && hasMagic(read(file, pageBytes))) return;
  } finally {
    closeSync(file);
  }
  throw new QuorumError({
    code: "corrupt",
    message: `${path} is not a store, or its head is damaged; move it away and let the node join anew`,
  });
}

function hasMagic(head: Buffer): boolean {
  return head.readUInt32LE(magicOffset) === magic;
}

function read(file: number, position: number): Buffer {
  const head = Buffer.alloc(headBytes);
  readSync(file, head, 0, headBytes, position);
  return head;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
