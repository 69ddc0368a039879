import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { QuorumError } from "@quorumfs/core";
import { localError } from "./local-error.js";

// Large enough that reading costs little per byte, and small enough that many files at once hold little memory: of 8 files
// in parallel, reading by 1 MiB took 25 MiB more than this.
const readBytes = 256 * 1024;

/**
 * A local file that is being read: one state of it, or an error. Whoever opens it closes it.
 */
export class LocalReading {
  readonly path: string;
  /** Undefined for what has no size: a pipe, a device. */
  readonly size: number | undefined;
  readonly #handle: FileHandle;
  readonly #opened: Stats;
  #failure: QuorumError | undefined;

  private constructor(path: string, handle: FileHandle, opened: Stats) {
    this.path = path;
    this.#handle = handle;
    this.#opened = opened;
    this.size = opened.isFile() ? opened.size : undefined;
  }

  /** @throws QuorumError */
  static async open(path: string): Promise<LocalReading> {
    try {
      const handle = await open(path);
      try {
        const opened = await handle.stat();
        if (opened.isDirectory())
          throw new QuorumError({ code: "invalid_argument", message: `${path} is a directory` });
        return new LocalReading(path, handle, opened);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw localError(`cannot read ${path}`, error);
    }
  }

  get modifiedMs(): number {
    return this.#opened.mtimeMs;
  }

  /** Why reading has ended early, if it has. */
  get failure(): QuorumError | undefined {
    return this.#failure;
  }

  /**
   * The content from its beginning, once.
   *
   * @throws QuorumError `precondition_failed` if the file is changed before its end has been read
   */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#bytes();
    } catch (error) {
      this.#failure = localError(`cannot read ${this.path}`, error);
      throw this.#failure;
    }
  }

  async *#bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    let position = 0;
    for (;;) {
      const bytes = await this.#read();
      position += bytes.length;
      if (this.size !== undefined && position > this.size) throw this.#changed("it grew");
      if (bytes.length === 0) break;
      yield bytes;
    }
    if (this.size === undefined) return;
    if (position < this.size) throw this.#changed("it shrank");
    const now = await this.#handle.stat();
    if (now.mtimeMs !== this.#opened.mtimeMs || now.size !== this.size) throw this.#changed("it was written to");
  }

  async #read(): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, (this.size ?? readBytes) + 1));
    // Null: from where the last read ended, so that pipes can be read as well.
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, null);
    return buffer.subarray(0, bytesRead);
  }

  #changed(how: string): QuorumError {
    const message = `${this.path} was changed while it was read (${how}); it was not taken, try again when nobody writes to it`;
    return new QuorumError({ code: "precondition_failed", message });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
