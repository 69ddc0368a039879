import { join } from "node:path";
import { type Clock, QuorumError } from "@quorumfs/core";
import type { FileSystem } from "./file-system.js";
import { exhaustionOf, isMissing } from "./system-error.js";

/** Measures how long a disk takes to make something durable. */
export interface DiskProbe {
  /**
   * Writes files of 4 KiB one after the other, each until it is durable, and removes them.
   *
   * @returns milliseconds of each; fewer than asked for if the time was up
   * @throws QuorumError `resource_exhausted` (also: another measurement is under way), `internal`
   */
  measure(files: number): Promise<readonly number[]>;
}

export interface DiskProbeOptions {
  readonly fileSystem: FileSystem;
  /** On the volume that is measured. */
  readonly directory: string;
  readonly clock: Clock;
}

/** A page, which is what small commits come to. */
const fileBytes = 4096;
// A disk that needs longer for a few files has told enough.
const budgetMs = 3000;

export function diskProbe({ fileSystem, directory, clock }: DiskProbeOptions): DiskProbe {
  // Always the same one, so that a crash leaves one file at most.
  const path = join(directory, "disk-probe");
  const content = new Uint8Array(fileBytes).fill(0x51);
  let isRunning = false;

  const once = async (): Promise<number> => {
    await fileSystem.unlink(path).catch(ignoreMissing);
    const file = await fileSystem.create(path);
    try {
      const startedAtMs = clock.nowMs();
      for (let written = 0; written < fileBytes;) written += await file.write(content.subarray(written), written);
      await file.sync();
      return clock.nowMs() - startedAtMs;
    } finally {
      await file.close();
      await fileSystem.unlink(path).catch(ignoreMissing);
    }
  };

  return {
    measure: async (files) => {
      if (isRunning) {
        throw new QuorumError({ code: "resource_exhausted", message: "the disk is being measured already" });
      }
      isRunning = true;
      const startedAtMs = clock.nowMs();
      const tookMs: number[] = [];
      try {
        while (tookMs.length < files && clock.nowMs() - startedAtMs < budgetMs) tookMs.push(await once());
        return tookMs;
      } catch (error) {
        const message = `the disk cannot be measured: ${error instanceof Error ? error.message : String(error)}`;
        throw exhaustionOf(error) ?? new QuorumError({ code: "internal", message, cause: error });
      } finally {
        isRunning = false;
      }
    },
  };
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
