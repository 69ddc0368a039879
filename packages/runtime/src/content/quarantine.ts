import type { FileSystem } from "./file-system.js";
import { isMissing } from "./system-error.js";

/** Some 60 chunks: enough to see what a disk does to its files, too little to matter on any volume. */
export const quarantineBytesMax = 256 * 1024 * 1024;

// Numbered, so that their order survives a restart: `000000000017-000003-<hash>`.
const entryPattern = /^(\d{12})-/;

interface Entry {
  readonly name: string;
  readonly bytes: number;
}

/** Damaged files, kept for people to look at until newer ones need their room. */
export class Quarantine {
  readonly #directory: string;
  readonly #fileSystem: FileSystem;
  readonly #bytesMax: number;
  /** Oldest first. */
  #entries: Entry[] | undefined;
  #next = 1;
  /** One at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly directory: string; readonly fileSystem: FileSystem; readonly bytesMax: number }) {
    this.#directory = options.directory;
    this.#fileSystem = options.fileSystem;
    this.#bytesMax = options.bytesMax;
  }

  /** Moves a file in here. Does nothing if it is not there. */
  take(path: string, label: string): Promise<void> {
    const result = this.#queue.then(() => this.#take(path, label));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #take(path: string, label: string): Promise<void> {
    this.#entries ??= await this.#load();
    const name = `${String(this.#next).padStart(12, "0")}-${label}`;
    try {
      const bytes = await this.#fileSystem.size(path);
      await this.#fileSystem.rename(path, `${this.#directory}/${name}`);
      this.#next += 1;
      this.#entries.push({ name, bytes });
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    await this.#trim(this.#entries);
  }

  /** The newest stays, however large. */
  async #trim(entries: Entry[]): Promise<void> {
    let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    while (bytes > this.#bytesMax && entries.length > 1) {
      const oldest = entries.shift();
      bytes -= oldest?.bytes ?? 0;
      await this.#fileSystem.unlink(`${this.#directory}/${oldest?.name}`).catch(() => undefined);
    }
  }

  async #load(): Promise<Entry[]> {
    const names = [...(await this.#fileSystem.list(this.#directory))].filter((name) => entryPattern.test(name)).sort();
    const entries: Entry[] = [];
    for (const name of names) {
      entries.push({ name, bytes: await this.#fileSystem.size(`${this.#directory}/${name}`) });
      this.#next = Number(entryPattern.exec(name)?.[1] ?? 0) + 1;
    }
    return entries;
  }
}
