import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A volume that is quickly full: a tmpfs. Undefined where this process may not mount one. */
export function smallVolume(options: {
  readonly bytes: number;
}): { readonly path: string; readonly remove: () => void } | undefined {
  if (process.platform !== "linux") return undefined;
  const path = mkdtempSync(join(tmpdir(), "quorumfs-volume-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${options.bytes}`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    rmdirSync(path);
    return undefined;
  }
  return {
    path,
    remove: () => {
      execFileSync("umount", [path], { stdio: "ignore" });
      rmdirSync(path);
    },
  };
}
