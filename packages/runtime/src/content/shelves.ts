/**
 * Numbered directories that are filled one after the other. Names are hashes, and directories by hash would spread the
 * files of one moment over all of them, each with an fsync of its own; so all go into the newest directory, and share one.
 */
import type { DiskTrust } from "./disk-trust.js";
import type { FileSystem, OpenDirectory } from "./file-system.js";
import { systemCodeOf } from "./system-error.js";

/** Few enough that a directory is a few hundred KiB, so that its fsync is quick and tools can show it. */
export const shelfFilesMax = 4096;

const shelfPattern = /^\d{6,12}$/;

/** Number of a shelf by the name of its directory; undefined if it is something else. */
export function shelfNumberOf(name: string): number | undefined {
  return shelfPattern.test(name) ? Number(name) : undefined;
}

export function shelfNameOf(number: number): string {
  return String(number).padStart(6, "0");
}

/** The directory that takes new files. */
export interface Shelf {
  readonly name: string;
  readonly path: string;
  files: number;
  readonly handle: OpenDirectory;
}

export class Shelves {
  readonly #directory: string;
  readonly #fileSystem: FileSystem;
  readonly #trust: DiskTrust;
  readonly #filesMax: number;
  /** The newest shelf, be it there or not. */
  #number: number;
  #files: number;
  #shelf: Shelf | undefined;

  constructor(options: {
    readonly directory: string;
    readonly fileSystem: FileSystem;
    readonly trust: DiskTrust;
    readonly filesMax: number;
    /** The newest shelf there is, and how many files it has. */
    readonly newest: { readonly number: number; readonly files: number };
  }) {
    this.#directory = options.directory;
    this.#fileSystem = options.fileSystem;
    this.#trust = options.trust;
    this.#filesMax = options.filesMax;
    this.#number = options.newest.number;
    this.#files = options.newest.files;
  }

  /** The shelf that is to take the next files, itself durable. One call at a time. */
  async current(): Promise<Shelf> {
    if ((this.#shelf?.files ?? this.#files) >= this.#filesMax) await this.turn();
    this.#shelf ??= await this.#open();
    return this.#shelf;
  }

  /** The next file goes into a new shelf, whether this one is full or not. Not while `current` is under way. */
  async turn(): Promise<void> {
    const before = this.#number;
    await this.close();
    this.#number += 1;
    this.#files = 0;
    await this.tidy([before]);
  }

  /** Removes those that are empty, and not the newest: files have been taken from them. */
  async tidy(numbers: Iterable<number>): Promise<void> {
    for (const number of new Set(numbers)) {
      if (number >= this.#number) continue;
      // Not empty, or gone already; anything else will show where it matters.
      await this.#fileSystem.removeDirectory(this.#pathOf(number)).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const shelf = this.#shelf;
    this.#shelf = undefined;
    if (!shelf) return;
    this.#files = shelf.files;
    await shelf.handle.close().catch(() => undefined);
  }

  async #open(): Promise<Shelf> {
    const path = this.#pathOf(this.#number);
    await this.#fileSystem.makeDirectory(path).catch((error: unknown) => {
      if (systemCodeOf(error) !== "EEXIST") throw error;
    });
    const parent = await this.#fileSystem.openDirectory(this.#directory);
    try {
      await this.#trust.sync(() => parent.sync());
    } finally {
      await parent.close().catch(() => undefined);
    }
    // Stays open: the system reports a failed write-back to whoever had the directory open before.
    const handle = await this.#fileSystem.openDirectory(path);
    return { name: shelfNameOf(this.#number), path, files: this.#files, handle };
  }

  #pathOf(number: number): string {
    return `${this.#directory}/${shelfNameOf(number)}`;
  }
}
