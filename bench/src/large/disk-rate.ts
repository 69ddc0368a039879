import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { content } from "./content.js";

export interface DiskRate {
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

/** What the disk takes when one file is written from beginning to end and then synced. */
export async function diskRate(directory: string, bytes: number): Promise<DiskRate> {
  const path = join(directory, "disk-rate");
  const startedAt = performance.now();
  const file = await open(path, "wx");
  try {
    for (const piece of content(bytes)) await file.write(piece);
    await file.sync();
  } finally {
    await file.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await rm(path);
  return { bytes, bytesPerSecond: bytes / seconds };
}
