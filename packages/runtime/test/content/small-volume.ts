import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallVolume {
  readonly path: string;
  /** Nothing may be open on it. */
  readonly remove: () => void;
}

/**
 * A volume that is quickly full: a tmpfs. Undefined where this process may not mount one.
 *
 * @param options.path an empty directory; default: a new one
 */
export function smallVolume(options: { readonly bytes: number; readonly path?: string }): SmallVolume | undefined {
  if (process.platform !== "linux") return undefined;
  const path = options.path ?? mkdtempSync(join(tmpdir(), "quorumfs-volume-"));
  const removeDirectory = (): void => {
    if (options.path === undefined) rmdirSync(path);
  };
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${options.bytes}`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    removeDirectory();
    return undefined;
  }
  return {
    path,
    remove: () => {
      execFileSync("umount", [path], { stdio: "ignore" });
      removeDirectory();
    },
  };
}
