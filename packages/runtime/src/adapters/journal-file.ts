import { closeSync, constants, fdatasync, openSync, readFileSync, write } from "node:fs";
import { join } from "node:path";

/**
 * A segment that is this full is closed, and its frames go into the tables. Larger ones would spare some of that work, since
 * a file that is written again and again goes in once; but what is in them is in memory too, twice at most.
 */
export const segmentBytes = 8 * 1024 * 1024;

// One write that returns when it is durable costs one trip to the thread pool. Elsewhere the flag is missing, or (macOS)
// does not reach through the disk's own cache, as fdatasync does there.
const writesThrough = process.platform === "linux";

/**
 * Two files that take turns: one is written while the frames of the other go into the tables. They are never made
 * smaller, since writing again into blocks that a file has costs no change of its metadata.
 */
export class JournalFile {
  readonly #files: readonly [number, number];
  #current: 0 | 1 = 0;
  #offset = 0;

  constructor(directory: string) {
    const flags = constants.O_RDWR | constants.O_CREAT | (writesThrough ? constants.O_DSYNC : 0);
    this.#files = [openSync(pathOf(directory, 0), flags, 0o644), openSync(pathOf(directory, 1), flags, 0o644)];
  }

  /** Whether so much more would fill the current segment. */
  wouldFill(bytes: number): boolean {
    return this.#offset > 0 && this.#offset + bytes > segmentBytes;
  }

  /** Resolves when the frame is durable. One at a time. */
  async append(frame: Buffer): Promise<void> {
    const offset = this.#offset;
    this.#offset += frame.length;
    await this.#writeAll(frame, offset);
    if (!writesThrough) await this.#flush();
  }

  /** From now on the other segment is written, from its start: whatever it holds must be in the tables. */
  turn(): void {
    this.#current = this.#current === 0 ? 1 : 0;
    this.#offset = 0;
  }

  close(): void {
    for (const file of this.#files) closeSync(file);
  }

  async #writeAll(frame: Buffer, offset: number): Promise<void> {
    for (let done = 0; done < frame.length;) done += await this.#write(frame, done, offset + done);
  }

  #write(frame: Buffer, from: number, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#files[this.#current], frame, from, frame.length - from, offset, (error, written) => {
        if (error) reject(error);
        else if (written === 0) reject(new Error("the disk took nothing"));
        else resolve(written);
      });
    });
  }

  #flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#files[this.#current], (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

/** Both segments as they are; empty if there are none. */
export function readSegments(directory: string): readonly Buffer[] {
  return [0, 1].map((number) => {
    try {
      return readFileSync(pathOf(directory, number));
    } catch (error) {
      if (typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT")
        return Buffer.alloc(0);
      throw error;
    }
  });
}

function pathOf(directory: string, number: number): string {
  return join(directory, `journal-${number}`);
}
