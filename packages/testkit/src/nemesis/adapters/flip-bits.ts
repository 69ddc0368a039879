/** Single bits that change on a disk by themselves. */
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dice } from "../faults/dice.js";

/** What is done to disks below the data directory of one DataNode. */
export interface Disks {
  /** In files of chunks, of a node that may run. @returns how many were flipped */
  flipInChunks(directory: string, bits: number, dice: Dice): Promise<number>;
  /** In the store of a node that does not run: one bit of a page of the tree, one of the journal. */
  flipInStore(directory: string, dice: Dice): Promise<number>;
}

const notChunks = /^(LOCK|quarantine|drafts?)$/;

export const disks: Disks = {
  flipInChunks: async (directory, bits, dice) => {
    const files = await filesBelow(join(directory, "chunks"));
    let flipped = 0;
    for (const file of dice.shuffled(files).slice(0, bits)) flipped += await flip(file, dice);
    return flipped;
  },
  flipInStore: async (directory, dice) => {
    let flipped = await flip(join(directory, "records", "data.mdb"), dice);
    const journal = dice.pick(["journal-0", "journal-1"]);
    if (journal !== undefined) flipped += await flip(join(directory, "records", journal), dice);
    return flipped;
  },
};

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !notChunks.test(entry.name) && !entry.parentPath.includes("quarantine"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Flips a bit anywhere in a file; 0 if it is empty or has gone. */
async function flip(path: string, dice: Dice): Promise<number> {
  try {
    const { size } = await stat(path);
    if (size === 0) return 0;
    const file = await open(path, "r+");
    try {
      const at = dice.whole(size);
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, at);
      byte.writeUInt8(byte.readUInt8(0) ^ (1 << dice.whole(8)));
      await file.write(byte, 0, 1, at);
      return 1;
    } finally {
      await file.close();
    }
  } catch {
    return 0;
  }
}
