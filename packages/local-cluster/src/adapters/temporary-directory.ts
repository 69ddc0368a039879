import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";

export interface TemporaryDirectory {
  readonly path: string;
  /** Removes it with all that is in it. Idempotent. */
  remove(): Promise<void>;
  /** Leaves it where it is, for good. */
  keep(): void;
}

const removal = { recursive: true, force: true, maxRetries: 5 };

/**
 * A new directory of our own, which goes with this process at the latest.
 *
 * @param parent made if need be, and left; default: the system's directory for temporary files
 * @throws QuorumError `unavailable`
 */
export async function temporaryDirectory(prefix: string, parent = tmpdir()): Promise<TemporaryDirectory> {
  const path = await makeBelow(parent, prefix);
  const removeAtExit = (): void => rmSync(path, removal);
  process.once("exit", removeAtExit);
  return {
    path,
    remove: async () => {
      process.off("exit", removeAtExit);
      await rm(path, removal);
    },
    keep: () => void process.off("exit", removeAtExit),
  };
}

async function makeBelow(parent: string, prefix: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(join(parent, prefix));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "unavailable", message: `cannot make a directory in ${parent}: ${reason}`, cause });
  }
}
