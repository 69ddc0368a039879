import { type Clock, QuorumError } from "@quorumfs/core";
import { drive } from "./drive.js";
import type { FileSpace } from "./file-space.js";
import type { Target } from "./target.js";

const concurrency = 256;

/**
 * Deletes the files of a run, as far as they are there.
 *
 * @returns how many could not be deleted
 */
export async function cleanUp(options: {
  target: Pick<Target, "delete">;
  files: FileSpace;
  timeoutMs: number;
  clock: Clock;
}): Promise<number> {
  const { target, files, timeoutMs, clock } = options;
  let file = 0;
  let left = 0;
  const running = drive({
    next: () => (file < files.files ? files.name(file++) : undefined),
    perform: async (name) => {
      try {
        await target.delete(name, { timeoutMs });
      } catch (thrown) {
        if (QuorumError.from(thrown).code !== "not_found") left += 1;
      }
    },
    concurrency,
    ratePerSecond: undefined,
    durationMs: undefined,
    clock,
  });
  await running.ended;
  return left;
}
