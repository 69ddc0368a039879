import { rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { isMissing, localError } from "./local-error.js";

/**
 * Deletes a file if it still is what it was when it was looked at, and the directories below `root` that this leaves
 * empty.
 *
 * @param path below `root`
 * @throws QuorumError
 */
export async function removeLocal(
  root: string,
  { path, size, modifiedMs }: { readonly path: string; readonly size: number; readonly modifiedMs: number },
): Promise<void> {
  try {
    const now = await stat(path);
    if (now.size !== size || now.mtimeMs !== modifiedMs) {
      throw new QuorumError({
        code: "precondition_failed",
        message: `${path} was changed by somebody else meanwhile, and was not deleted; run the command again`,
      });
    }
    await unlink(path);
  } catch (error) {
    if (isMissing(error)) return;
    throw localError(`cannot delete ${path}`, error);
  }
  const top = join(resolve(root), sep);
  for (let directory = dirname(resolve(path)); directory.startsWith(top); directory = dirname(directory)) {
    try {
      await rmdir(directory);
    } catch {
      // Something is left in it.
      return;
    }
  }
}
