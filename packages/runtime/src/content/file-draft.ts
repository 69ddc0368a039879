import { assert, type ContentDraft, QuorumError } from "@quorumfs/core";
import type { DiskTrust } from "./disk-trust.js";
import type { FileSystem, OpenFile } from "./file-system.js";
import type { Publisher } from "./publisher.js";

export interface FileDraftOptions {
  /** Of the file when it is published. */
  readonly name: string;
  /** Of the file until then. */
  readonly path: string;
  readonly fileSystem: FileSystem;
  readonly trust: DiskTrust;
  readonly publisher: Publisher;
  /** The draft has been published or dropped. */
  readonly onEnd: (draft: FileDraft) => void;
}

/** A file under a temporary name, which is made with its first byte. */
export class FileDraft implements ContentDraft {
  readonly #options: FileDraftOptions;
  #file: OpenFile | undefined;
  #length = 0;
  /** The write under way, if any. */
  #writing: Promise<void> | undefined;
  #state: "open" | "publishing" | "ended" = "open";
  /** After a write that failed the file has a gap, and must not be published. */
  #failure: QuorumError | undefined;

  constructor(options: FileDraftOptions) {
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    const writing = this.#write(bytes);
    this.#writing = writing;
    try {
      await writing;
    } catch (error) {
      this.#failure = error instanceof QuorumError ? error : this.#options.trust.refusalOf(error);
      throw this.#failure;
    } finally {
      this.#writing = undefined;
    }
  }

  async publish(): Promise<string> {
    this.#checkOpen();
    this.#state = "publishing";
    const { name, path, publisher } = this.#options;
    try {
      const file = await this.#opened();
      this.#file = undefined;
      return await publisher.publish(file, path, name);
    } catch (error) {
      await this.#drop();
      throw error instanceof QuorumError ? error : this.#options.trust.refusalOf(error);
    } finally {
      this.#end();
    }
  }

  async discard(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "ended";
    await this.#writing?.catch(() => undefined);
    await this.#drop();
    this.#end();
  }

  #checkOpen(): void {
    assert(this.#state === "open", "a draft that was published or dropped is used again");
    assert(this.#writing === undefined, "a draft is used while a write is under way");
    if (this.#failure) throw this.#failure;
    this.#options.trust.check();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const file = await this.#opened();
    for (let done = 0; done < bytes.byteLength;) {
      const taken = await file.write(bytes.subarray(done), this.#length);
      if (taken === 0) throw new Error("the disk took nothing");
      done += taken;
      this.#length += taken;
    }
  }

  async #opened(): Promise<OpenFile> {
    this.#file ??= await this.#options.fileSystem.create(this.#options.path);
    return this.#file;
  }

  async #drop(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
    // Not there, or removed at the next start.
    await this.#options.fileSystem.unlink(this.#options.path).catch(() => undefined);
  }

  #end(): void {
    this.#state = "ended";
    this.#options.onEnd(this);
  }
}
