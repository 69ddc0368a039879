import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { syncDirectory } from "./sync-directory.js";

/** The newest few: enough for a mistake to be noticed, and a bound for the disk. */
const keptMax = 3;

const namePattern = /^set-aside-(\d+)$/;

/** What became of a store. */
export interface SetAside {
  /** Where it is now. */
  readonly directory: string;
  /** Older ones that had to go for it. */
  readonly removed: readonly string[];
}

/**
 * Puts a closed store out of the way: `dataDirectory/store` becomes `dataDirectory/set-aside-N`, with N growing. The name
 * is durable when this returns. Of all that were set aside, the newest three are kept.
 *
 * @throws QuorumError `unavailable`
 */
export function setStoreAside(options: { readonly dataDirectory: string; readonly store: string }): SetAside {
  const { dataDirectory, store } = options;
  try {
    const numbers = readdirSync(dataDirectory)
      .map((name) => Number(namePattern.exec(name)?.[1] ?? 0))
      .filter((number) => number > 0)
      .sort((a, b) => a - b);
    const directory = join(dataDirectory, `set-aside-${(numbers.at(-1) ?? 0) + 1}`);
    renameSync(join(dataDirectory, store), directory);
    syncDirectory(dataDirectory);
    const removed = numbers
      .slice(0, Math.max(0, numbers.length + 1 - keptMax))
      .map((number) => join(dataDirectory, `set-aside-${number}`));
    for (const old of removed) rmSync(old, { recursive: true, force: true });
    return { directory, removed };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `cannot set ${join(dataDirectory, store)} aside: ${reason}; move it away by hand`;
    throw new QuorumError({ code: "unavailable", message, cause });
  }
}
