/**
 * The ContentFiles port on a directory:
 *
 *     000000/, 000001/, ...   published files, on shelves that are filled one after the other
 *     drafts/                 files that are being written; emptied at each start
 *     quarantine/             damaged files, for people
 *
 * A file is written under a temporary name, synced, linked to its final name, and its shelf synced. So whatever has a final
 * name is whole, and nothing is ever replaced, truncated or written again.
 */
import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { assert, type ContentDraft, type ContentFiles, QuorumError } from "@quorumfs/core";
import { DiskTrust } from "../content/disk-trust.js";
import { FileDraft } from "../content/file-draft.js";
import type { FileSystem } from "../content/file-system.js";
import { OpenFiles } from "../content/open-files.js";
import { Publisher } from "../content/publisher.js";
import { Quarantine, quarantineBytesMax } from "../content/quarantine.js";
import { shelfFilesMax, shelfNameOf, shelfNumberOf, Shelves } from "../content/shelves.js";
import { exhaustionOf, isMissing, systemCodeOf } from "../content/system-error.js";
import { lockDirectory } from "./directory-lock.js";
import { nodeFileSystem } from "./node-file-system.js";
import { syncDirectory } from "./sync-directory.js";

/** A quarter of the descriptors that a process commonly gets; the network needs the others. */
const openFilesMaxDefault = 256;

/**
 * Half of the threads that file operations have in this process: a sync holds one for milliseconds, and reads and the
 * records' journal need some, too. Node's own default is 4; our processes have 8.
 */
const syncsMaxDefault = Math.max(1, Math.floor(Number(process.env["UV_THREADPOOL_SIZE"] ?? 4) / 2) || 1);

const namePattern = /^[0-9a-f]{1,64}$/;
const placePattern = /^(\d{6,12})\/[0-9a-f]{1,64}$/;

export interface ContentFilesOptions {
  /** Made if need be; one process at a time may use it. All on one volume. */
  readonly directory: string;
  /** Files per shelf; 4,096 if left out. */
  readonly shelfFilesMax?: number;
  /** Files that stay open after they were read; 256 if left out. */
  readonly openFilesMax?: number;
  /** Contents that are synced side by side; half of the thread pool if left out. */
  readonly syncsMax?: number;
  /** What damaged files may take; 256 MiB if left out. */
  readonly quarantineBytesMax?: number;
  /** For tests: what to work on instead of the operating system's files. */
  readonly fileSystem?: FileSystem;
}

/**
 * Opens a directory of content files, or makes it, and removes what drafts have left behind.
 *
 * @throws QuorumError `unavailable`: another process has it open, or it cannot be read or written
 */
export function openContentFiles(options: ContentFilesOptions): ContentFiles {
  const directory = resolve(options.directory);
  const unlock = lockDirectory(directory);
  try {
    mkdirSync(`${directory}/quarantine`, { recursive: true });
    mkdirSync(`${directory}/drafts`, { recursive: true });
    for (const name of readdirSync(`${directory}/drafts`)) rmSync(`${directory}/drafts/${name}`, { recursive: true });
    const newest = newestShelf(directory);
    syncDirectory(directory);
    syncDirectory(dirname(directory));
    return new DirectoryContentFiles({ ...options, directory, newest, unlock });
  } catch (error) {
    unlock();
    throw new QuorumError({
      code: "unavailable",
      message: `cannot open the content files in ${directory}: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
    });
  }
}

/** Removes older shelves that are empty on the way. */
function newestShelf(directory: string): { readonly number: number; readonly files: number } {
  const numbers = readdirSync(directory)
    .map(shelfNumberOf)
    .filter((number) => number !== undefined);
  const newest = Math.max(0, ...numbers);
  for (const number of numbers) {
    if (number !== newest) removeIfEmpty(`${directory}/${shelfNameOf(number)}`);
  }
  return {
    number: newest,
    files: numbers.length === 0 ? 0 : readdirSync(`${directory}/${shelfNameOf(newest)}`).length,
  };
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOTEMPTY" && systemCodeOf(error) !== "EEXIST") throw error;
  }
}

class DirectoryContentFiles implements ContentFiles {
  readonly #directory: string;
  readonly #fileSystem: FileSystem;
  readonly #trust = new DiskTrust();
  readonly #shelves: Shelves;
  readonly #publisher: Publisher;
  readonly #openFiles: OpenFiles;
  readonly #quarantine: Quarantine;
  readonly #unlock: () => void;
  readonly #drafts = new Set<FileDraft>();
  #draftsMade = 0;
  /** Calls that are under way. */
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(
    options: ContentFilesOptions & {
      readonly newest: { readonly number: number; readonly files: number };
      readonly unlock: () => void;
    },
  ) {
    const { directory, fileSystem = nodeFileSystem, newest, unlock } = options;
    const trust = this.#trust;
    this.#directory = directory;
    this.#fileSystem = fileSystem;
    this.#unlock = unlock;
    this.#shelves = new Shelves({
      directory,
      fileSystem,
      trust,
      filesMax: options.shelfFilesMax ?? shelfFilesMax,
      newest,
    });
    this.#publisher = new Publisher({
      fileSystem,
      trust,
      shelves: this.#shelves,
      syncsMax: options.syncsMax ?? syncsMaxDefault,
    });
    this.#openFiles = new OpenFiles({ fileSystem, max: options.openFilesMax ?? openFilesMaxDefault });
    this.#quarantine = new Quarantine({
      directory: `${directory}/quarantine`,
      fileSystem,
      bytesMax: options.quarantineBytesMax ?? quarantineBytesMax,
    });
  }

  create(name: string): ContentDraft {
    assert(namePattern.test(name), "a content file's name is 1 to 64 lower-case hexadecimal digits");
    this.#draftsMade += 1;
    const draft = new FileDraft({
      name,
      path: `${this.#directory}/drafts/${name}.${this.#draftsMade}`,
      fileSystem: this.#fileSystem,
      trust: this.#trust,
      publisher: this.#publisher,
      onEnd: (ended) => this.#drafts.delete(ended),
    });
    this.#drafts.add(draft);
    return {
      write: (bytes) => this.#run(() => draft.write(bytes)),
      publish: () => this.#run(() => draft.publish()),
      discard: () => draft.discard(),
    };
  }

  async read(place: string, offset: number, target: Uint8Array): Promise<number | undefined> {
    const path = this.#pathOf(place);
    if (path === undefined) return undefined;
    return this.#run(() => this.#openFiles.use(path, async (file) => readFully(file, offset, target))).catch(
      (error: unknown) => {
        throw readingErrorOf(error);
      },
    );
  }

  async size(place: string): Promise<number | undefined> {
    const path = this.#pathOf(place);
    if (path === undefined) return undefined;
    try {
      return await this.#run(() => this.#fileSystem.size(path));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw readingErrorOf(error);
    }
  }

  remove(places: readonly string[]): Promise<void> {
    return this.#run(async () => {
      const shelves = new Set<number>();
      for (const place of places) {
        const path = this.#pathOf(place);
        if (path === undefined) continue;
        await this.#fileSystem.unlink(path).catch((error: unknown) => {
          if (!isMissing(error)) throw QuorumError.from(error);
        });
        await this.#openFiles.forget(path);
        shelves.add(shelfOf(place));
      }
      await this.#shelves.tidy(shelves);
    });
  }

  async quarantine(place: string): Promise<void> {
    const path = this.#pathOf(place);
    if (path === undefined) return;
    await this.#run(async () => {
      try {
        await this.#quarantine.take(path, place.replace("/", "-"));
      } catch (error) {
        throw exhaustionOf(error) ?? QuorumError.from(error);
      }
      await this.#openFiles.forget(path);
      await this.#shelves.tidy([shelfOf(place)]);
    });
  }

  async *list(): AsyncGenerator<string, void, undefined> {
    const shelves = await this.#namesIn(this.#directory);
    for (const shelf of shelves.filter((name) => shelfNumberOf(name) !== undefined).sort()) {
      for (const name of await this.#namesIn(`${this.#directory}/${shelf}`)) {
        if (namePattern.test(name)) yield `${shelf}/${name}`;
      }
    }
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.#fileSystem.space(this.#directory);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#drafts].map((draft) => draft.discard()));
    await Promise.allSettled(this.#running);
    await this.#openFiles.close();
    await this.#shelves.close();
    this.#unlock();
  }

  async #run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new QuorumError({ code: "unavailable", message: "the content files are closed" });
    const running = action();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #namesIn(directory: string): Promise<readonly string[]> {
    try {
      return await this.#run(() => this.#fileSystem.list(directory));
    } catch (error) {
      if (isMissing(error)) return [];
      throw QuorumError.from(error);
    }
  }

  /** Undefined for what cannot be a place: it comes from a store that may be damaged. */
  #pathOf(place: string): string | undefined {
    return placePattern.test(place) ? `${this.#directory}/${place}` : undefined;
  }
}

function shelfOf(place: string): number {
  return Number(placePattern.exec(place)?.[1]);
}

async function readFully(
  file: { read(target: Uint8Array, position: number): Promise<number> },
  offset: number,
  target: Uint8Array,
): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const taken = await file.read(target.subarray(done), offset + done);
    if (taken === 0) break;
    done += taken;
  }
  return done;
}

/** What the disk cannot read is damaged, and there are copies elsewhere. */
function readingErrorOf(error: unknown): QuorumError {
  if (error instanceof QuorumError) return error;
  if (systemCodeOf(error) !== "EIO") return exhaustionOf(error) ?? QuorumError.from(error);
  return new QuorumError({ code: "corrupt", message: "the disk cannot read a content file", cause: error });
}
