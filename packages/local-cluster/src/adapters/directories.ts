import { cp, mkdir, rename, rm } from "node:fs/promises";

/** Puts a copy of a directory where `to` is, or is to be: what was there goes. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  const draft = `${to}.copy`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await cp(from, draft, { recursive: true, preserveTimestamps: true });
  await removeDirectory(to);
  await rename(draft, to);
}

export async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}
