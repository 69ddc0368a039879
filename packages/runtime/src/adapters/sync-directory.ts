import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes durable which names a directory has. For start-up: nothing else goes on meanwhile. */
export function syncDirectory(directory: string): void {
  // Windows has no fsync of directories; it keeps their entries in order by itself.
  if (process.platform === "win32") return;
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
