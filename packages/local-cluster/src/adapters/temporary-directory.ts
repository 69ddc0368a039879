import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryDirectory {
  readonly path: string;
  /** Removes it with all that is in it. Idempotent. */
  remove(): Promise<void>;
}

const removal = { recursive: true, force: true, maxRetries: 5 };

/** A new directory of our own under the system's directory for temporary files. Goes with this process at the latest. */
export async function temporaryDirectory(prefix: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  const removeAtExit = (): void => rmSync(path, removal);
  process.once("exit", removeAtExit);
  return {
    path,
    remove: async () => {
      process.off("exit", removeAtExit);
      await rm(path, removal);
    },
  };
}
