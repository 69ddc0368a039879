/** What can go wrong with the files of a DataNode. */
import { open, readdir, readFile, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLmdbDisk } from "@quorumfs/runtime";

/** Flips the lowest bit of one byte, in place. */
export function flipByte(path: string, at: number): Promise<void> {
  return flipBit(path, at * 8);
}

/** Flips one bit, in place. */
export async function flipBit(path: string, bit: number): Promise<void> {
  const at = Math.floor(bit / 8);
  const file = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << (bit % 8));
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}

/** Published chunk files of a node, largest first. */
export async function chunkFiles(nodeDirectory: string): Promise<string[]> {
  const chunks = join(nodeDirectory, "chunks");
  const shelves = (await readdir(chunks)).filter((name) => /^\d+$/.test(name));
  const found: { path: string; size: number }[] = [];
  for (const shelf of shelves) {
    for (const name of await readdir(join(chunks, shelf))) {
      const path = join(chunks, shelf, name);
      found.push({ path, size: (await stat(path)).size });
    }
  }
  return found.sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1)).map(({ path }) => path);
}

export const chunkDamage = {
  "a bit in the bytes": async (path: string) => flipByte(path, 100_000),
  "a bit in the footer's checksums": async (path: string) => flipByte(path, (await stat(path)).size - 60),
  "a bit in the footer's end": async (path: string) => flipByte(path, (await stat(path)).size - 1),
  "cut in the middle": async (path: string) => truncate(path, Math.floor((await stat(path)).size / 2)),
  "cut to nothing": async (path: string) => truncate(path, 0),
  "longer than it was": async (path: string) => truncate(path, (await stat(path)).size + 1),
  deleted: async (path: string) => unlink(path),
  "replaced by another's": async (path: string, other: string) => writeFile(path, await readFile(other)),
} as const;

/** Flips a bit in the values of one table, in a store that nobody has open; returns how many rows there were. */
export async function damageTable(nodeDirectory: string, name: string, rowsMax = Infinity): Promise<number> {
  const disk = openLmdbDisk({ directory: join(nodeDirectory, "records") });
  try {
    const table = disk.table(name);
    const rows: { key: Uint8Array; value: Uint8Array }[] = [];
    for (const { key, value } of table.range({ start: new Uint8Array([0]) })) {
      if (value.length > 0) rows.push({ key: Uint8Array.from(key), value: Uint8Array.from(value) });
    }
    const hit = rows.slice(0, rowsMax);
    for (const { value } of hit) value[value.length >> 1] = (value[value.length >> 1] ?? 0) ^ 4;
    await disk.commit(hit.map(({ key, value }) => ({ table, key, value })));
    return hit.length;
  } finally {
    await disk.close();
  }
}
