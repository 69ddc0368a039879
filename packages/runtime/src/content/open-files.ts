/**
 * Files that were read lately stay open: a chunk is read in several pieces, and opening costs as much as reading. A file
 * that is removed meanwhile is closed when its last reader has finished.
 */
import type { FileSystem, OpenFile } from "./file-system.js";
import { isMissing } from "./system-error.js";

interface Entry {
  /** Undefined: there is no such file. */
  readonly file: Promise<OpenFile | undefined>;
  users: number;
  isForgotten: boolean;
}

export class OpenFiles {
  readonly #fileSystem: FileSystem;
  readonly #max: number;
  /** By path, the one used longest ago first. */
  readonly #entries = new Map<string, Entry>();

  /** @param options.max of files without a reader that stay open; those with one come on top */
  constructor(options: { readonly fileSystem: FileSystem; readonly max: number }) {
    this.#fileSystem = options.fileSystem;
    this.#max = options.max;
  }

  /** Undefined if there is no such file. */
  async use<T>(path: string, action: (file: OpenFile) => Promise<T>): Promise<T | undefined> {
    const entry = this.#entries.get(path) ?? this.#open(path);
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    entry.users += 1;
    try {
      const file = await entry.file;
      return file && (await action(file));
    } finally {
      entry.users -= 1;
      if (entry.isForgotten) await this.#closeUnused(entry);
      else await this.#trim();
    }
  }

  /** The file has gone from this path: what is open of it is closed as soon as nobody reads it. */
  async forget(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (!entry) return;
    this.#entries.delete(path);
    entry.isForgotten = true;
    await this.#closeUnused(entry);
  }

  /** When no reader is left. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((path) => this.forget(path)));
  }

  #open(path: string): Entry {
    const opening = async (): Promise<OpenFile | undefined> => {
      try {
        return await this.#fileSystem.open(path);
      } catch (error) {
        // Neither an absence nor a failure is remembered.
        if (this.#entries.get(path) === entry) this.#entries.delete(path);
        if (isMissing(error)) return undefined;
        throw error;
      }
    };
    const entry: Entry = { file: opening(), users: 0, isForgotten: false };
    return entry;
  }

  async #trim(): Promise<void> {
    if (this.#entries.size <= this.#max) return;
    for (const [path, { users }] of this.#entries) {
      if (users > 0) continue;
      await this.forget(path);
      if (this.#entries.size <= this.#max) return;
    }
  }

  async #closeUnused(entry: Entry): Promise<void> {
    if (entry.users > 0) return;
    const file = await entry.file.catch(() => undefined);
    await file?.close().catch(() => undefined);
  }
}
