import { assert, QuorumError } from "@quorumfs/core";
import type { ChunkDraft } from "./chunk-draft.js";
import type { ChunkContent, ChunkIntake } from "./chunk-store.js";

export interface StoreIntakeOptions {
  readonly draft: ChunkDraft;
  readonly expected: ChunkContent;
  /** Waits for this chunk's turn to be made durable. @returns how to let the next one have its */
  readonly turnToPublish: () => Promise<() => void>;
  /** The file is durable at this place: enters it. */
  readonly enter: (place: string) => Promise<void>;
  /** The file cannot be written, or nobody knows whether it is durable. */
  readonly onDiskError: (error: QuorumError) => void;
  /** All bytes are on their way to the disk, or none come any more: what was set aside in memory for them is free. */
  readonly onReceived: () => void;
  /** Nothing is under way any more. */
  readonly onEnd: () => void;
}

/** A chunk on its way in: counts and checks what comes, and leaves nothing behind unless all of it was as announced. */
export class StoreIntake implements ChunkIntake {
  readonly #options: StoreIntakeOptions;
  #state: "open" | "committing" | "discarding" | "ended" = "open";
  #committing: Promise<void> | undefined;
  /** The write under way, if any. */
  #writing: Promise<void> | undefined;

  constructor(options: StoreIntakeOptions) {
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    const { draft, expected } = this.#options;
    if (draft.size + bytes.length > expected.size) {
      await this.discard();
      throw invalid(`more than the ${expected.size} bytes came that were announced`);
    }
    const writing = draft.write(bytes);
    this.#writing = writing;
    try {
      await writing;
    } catch (error) {
      const failure = await this.#failed(error);
      if (this.#state === "open") this.#end();
      throw failure;
    } finally {
      this.#writing = undefined;
    }
  }

  commit(): Promise<void> {
    this.#committing ??= this.#commit();
    return this.#committing;
  }

  /** Resolves when the commit under way, if there is one, has ended in whichever way. */
  async committed(): Promise<void> {
    await this.#committing?.catch(() => undefined);
  }

  async #commit(): Promise<void> {
    this.#checkOpen();
    const { draft, expected, enter, turnToPublish, onReceived } = this.#options;
    const { size, checksum } = draft.content;
    if (size !== expected.size || checksum !== expected.checksum) {
      await this.discard();
      throw damagedOnTheWay(
        size !== expected.size
          ? `${size} bytes came, and ${expected.size} were announced`
          : "the bytes do not match the checksum that was announced",
      );
    }
    this.#state = "committing";
    let letNext: () => void = () => undefined;
    try {
      letNext = await turnToPublish();
      onReceived();
      await enter(await draft.publish());
    } catch (error) {
      throw await this.#failed(error);
    } finally {
      letNext();
      this.#end();
    }
  }

  async discard(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "discarding";
    await this.#writing?.catch(() => undefined);
    await this.#options.draft.discard();
    this.#end();
  }

  #checkOpen(): void {
    if (this.#state === "discarding" || this.#state === "ended")
      throw new QuorumError({ code: "cancelled", message: "the chunk was given up" });
    assert(this.#state === "open" && this.#writing === undefined, "a chunk's bytes come one after the other");
  }

  async #failed(thrown: unknown): Promise<QuorumError> {
    const error = QuorumError.from(thrown);
    await this.#options.draft.discard();
    if (error.code !== "internal") return error;
    this.#options.onDiskError(error);
    // To the caller it is this node's trouble, not the request's: another replica may take the chunk.
    return new QuorumError({ code: "unavailable", message: error.message, cause: error });
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#options.onReceived();
    this.#options.onEnd();
  }
}

function invalid(reason: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message: `the chunk is not stored: ${reason}` });
}

/** No fault of what was asked: sent again, to this node or another, it may arrive whole. */
export function damagedOnTheWay(message: string): QuorumError {
  return new QuorumError({ code: "corrupt", message: `the chunk is not stored: ${message}; send it again` });
}
