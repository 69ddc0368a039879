/**
 * Makes written files durable and visible. Those that come at the same time have their content synced side by side, so
 * that the file system's own journal takes several at once; whichever are ready then get their final names together, and
 * one fsync of the shelf for all of them. So the busier the disk, the more files share one.
 */
import { QuorumError } from "@quorumfs/core";
import type { DiskTrust } from "./disk-trust.js";
import type { FileSystem, OpenFile } from "./file-system.js";
import type { Shelf, Shelves } from "./shelves.js";
import { systemCodeOf } from "./system-error.js";

/** Names that are given at once: far more than arrive during one fsync, few enough to wait for. */
const batchMax = 256;

interface Written {
  readonly path: string;
  readonly name: string;
  readonly resolve: (place: string) => void;
  readonly reject: (error: unknown) => void;
}

export class Publisher {
  readonly #fileSystem: FileSystem;
  readonly #trust: DiskTrust;
  readonly #shelves: Shelves;
  readonly #syncsMax: number;
  #syncing = 0;
  readonly #waitingToSync: (() => void)[] = [];
  readonly #ready: Written[] = [];
  #running = false;

  /** @param options.syncsMax contents that are synced side by side */
  constructor(options: {
    readonly fileSystem: FileSystem;
    readonly trust: DiskTrust;
    readonly shelves: Shelves;
    readonly syncsMax: number;
  }) {
    this.#fileSystem = options.fileSystem;
    this.#trust = options.trust;
    this.#shelves = options.shelves;
    this.#syncsMax = options.syncsMax;
  }

  /**
   * @param file is closed, whatever happens
   * @param path where it is now; gone when the promise resolves, and still there if it rejects
   * @throws QuorumError `internal`, `resource_exhausted`
   */
  async publish(file: OpenFile, path: string, name: string): Promise<string> {
    try {
      await this.#sync(file);
    } finally {
      await file.close().catch(() => undefined);
    }
    return new Promise<string>((resolve, reject) => {
      this.#ready.push({ path, name, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #sync(file: OpenFile): Promise<void> {
    if (this.#syncing < this.#syncsMax) this.#syncing += 1;
    else await new Promise<void>((resolve) => this.#waitingToSync.push(resolve));
    try {
      await this.#trust.sync(() => file.sync());
    } finally {
      const next = this.#waitingToSync.shift();
      if (next) next();
      else this.#syncing -= 1;
    }
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#ready.length > 0) {
      const batch = this.#ready.splice(0, batchMax);
      try {
        await this.#publishBatch(batch);
      } catch (error) {
        const refusal = error instanceof QuorumError ? error : this.#trust.refusalOf(error);
        for (const { reject } of batch) reject(refusal);
      }
    }
    this.#running = false;
  }

  async #publishBatch(batch: readonly Written[]): Promise<void> {
    this.#trust.check();
    const shelf = await this.#shelves.current();
    const named: Written[] = [];
    const taken: Written[] = [];
    await Promise.all(
      batch.map(async (written) => {
        try {
          await this.#fileSystem.link(written.path, placeIn(shelf, written).path);
          named.push(written);
        } catch (error) {
          // A file of this name that a crash left behind, say: nothing is replaced, another shelf has room for this one.
          if (systemCodeOf(error) === "EEXIST") taken.push(written);
          else written.reject(this.#trust.refusalOf(error));
        }
      }),
    );
    shelf.files += named.length;
    if (named.length > 0) {
      // A temporary name that stays is removed at the next start.
      const unlinked = named.map(({ path }) => this.#fileSystem.unlink(path).catch(() => undefined));
      await Promise.all([this.#trust.sync(() => shelf.handle.sync()), ...unlinked]);
    }
    for (const written of named) written.resolve(placeIn(shelf, written).place);
    if (taken.length === 0) return;
    this.#ready.unshift(...taken);
    await this.#shelves.turn();
  }
}

function placeIn(shelf: Shelf, { name }: Written): { readonly path: string; readonly place: string } {
  return { path: `${shelf.path}/${name}`, place: `${shelf.name}/${name}` };
}
