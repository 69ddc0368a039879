/**
 * The chunks of one upload. Whoever runs it fills a buffer and hands it over, and fills the next one while the first is on
 * its way to its replicas; how many there can be is up to the client's buffers.
 */
import { QuorumError } from "@quorumfs/core";
import { type ChunkPlaces, isSafe } from "../cluster/chunk-places.js";
import { censusChunksMax, type Census, takeCensus } from "./chunk-census.js";
import type { ChunkBuffer } from "./chunk-buffer.js";
import { ChunkUpload } from "./chunk-upload.js";
import type { Lifetime } from "./lifetime.js";
import type { Progress } from "./progress.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

// Time for replicas that are nearly done when W others are; what they do not get they would have to fetch.
const lastWaitMs = 50;

export interface UploadOptions {
  /** `bucket/path`, for messages. */
  readonly name: string;
  /** Of the name. */
  readonly bucket: string;
  readonly owner: ChunkOwner;
  /** 16 bytes. */
  readonly upload: Uint8Array;
  /** The longest time without progress of a chunk. */
  readonly timeoutMs: number;
  readonly lifetime: Lifetime;
  readonly progress: Progress;
  /** Chunks of this upload may be there already. */
  readonly resume: boolean;
}

export class Upload {
  readonly #context: TransferContext;
  readonly #options: UploadOptions;
  /** Not safe yet. */
  readonly #pending = new Set<ChunkUpload>();
  /** Those whose buffers are in use, safe or not. */
  readonly #open = new Set<ChunkUpload>();
  #wake: () => void = ignore;
  #census: { readonly first: number; readonly census: Census } | undefined;

  constructor(context: TransferContext, options: UploadOptions) {
    this.#context = context;
    this.#options = options;
    options.lifetime.onEnd((error) => {
      for (const chunk of [...this.#open]) chunk.cancel(error);
      this.#wake();
    });
  }

  get options(): UploadOptions {
    return this.#options;
  }

  /**
   * An empty buffer to fill, when there is one.
   *
   * @param wanted how much is still to come, if that is known
   * @throws QuorumError if the upload has failed meanwhile
   */
  async buffer(wanted?: number): Promise<ChunkBuffer> {
    const { lifetime } = this.#options;
    const buffer = await this.#context.buffers.take(lifetime, wanted);
    // What ended the upload may have freed this very buffer.
    if (lifetime.ended) this.giveBack(buffer);
    lifetime.check();
    return buffer;
  }

  giveBack(buffer: ChunkBuffer): void {
    this.#context.buffers.give(buffer);
  }

  /**
   * Takes a filled buffer over and returns once the chunk is on its way, or is known to be durable already. A failure ends
   * the lifetime.
   *
   * @returns the chunk's CRC-32C
   */
  async send(index: number, buffer: ChunkBuffer): Promise<number> {
    const { resume, progress } = this.#options;
    const bytes = buffer.size;
    const checksum = buffer.checksum();
    if (resume && (await this.#isDurable(index, { bytes, checksum }, buffer))) {
      this.giveBack(buffer);
      progress.add(bytes, { resumed: true });
    } else {
      this.#start(index, { checksum, buffer, onSafe: () => progress.add(bytes) });
    }
    return checksum;
  }

  /** As {@link send}, of a chunk that was safe and is not any more. */
  sendAgain(index: number, buffer: ChunkBuffer): void {
    this.#start(index, { checksum: buffer.checksum(), buffer, onSafe: ignore });
  }

  #start(
    index: number,
    sending: { readonly checksum: number; readonly buffer: ChunkBuffer; readonly onSafe: () => void },
  ): void {
    const { name, owner, upload, timeoutMs, lifetime } = this.#options;
    const { checksum, buffer, onSafe } = sending;
    if (lifetime.ended) this.giveBack(buffer);
    lifetime.check();
    const chunk: ChunkUpload = new ChunkUpload(this.#context, {
      title: `chunk ${index} of ${name}`,
      owner,
      upload,
      index,
      checksum,
      buffer,
      places: () => this.places(index),
      timeoutMs,
      onSettled: (error) => {
        this.#pending.delete(chunk);
        if (error) lifetime.end(error);
        else onSafe();
        this.#wake();
      },
      onReleased: () => {
        this.#open.delete(chunk);
        this.#wake();
      },
    });
    this.#pending.add(chunk);
    this.#open.add(chunk);
    chunk.start();
  }

  /** Where a chunk belongs as of now, and on how many nodes it is safe. */
  places(index: number): ChunkPlaces {
    const { bucket, upload } = this.#options;
    return this.#context.view().chunkPlaces(bucket, upload, index);
  }

  async #isDurable(
    index: number,
    chunk: { readonly bytes: number; readonly checksum: number },
    buffer: ChunkBuffer,
  ): Promise<boolean> {
    try {
      const holders = (await this.#censusAround(index)).holders(index, chunk);
      return isSafe(this.places(index), (node) => holders.includes(node));
    } catch (thrown) {
      this.giveBack(buffer);
      throw thrown;
    }
  }

  async #censusAround(index: number): Promise<Census> {
    const { owner, upload, lifetime } = this.#options;
    const known = this.#census;
    if (known && index >= known.first && index < known.first + censusChunksMax) return known.census;
    const range = { upload, first: index, count: censusChunksMax };
    const census = await lifetime.race(takeCensus(this.#context, owner, range, { renew: true }));
    this.#census = { first: index, census };
    return census;
  }

  /** Resolves when every chunk is safe. @throws QuorumError why the upload has failed */
  async settle(): Promise<void> {
    const { lifetime } = this.#options;
    while (this.#pending.size > 0 && !lifetime.ended) await this.#change();
    lifetime.check();
    await this.#waitForLast();
    lifetime.check();
  }

  async #waitForLast(): Promise<void> {
    let isOver = false;
    const cancel = this.#context.clock.after(lastWaitMs, () => {
      isOver = true;
      this.#wake();
    });
    while (this.#open.size > 0 && !isOver && !this.#options.lifetime.ended) await this.#change();
    cancel();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The upload's own word on a failure: how to go on. */
export function interrupted(error: QuorumError, requestId: string): QuorumError {
  const { code, message, details, cause } = error;
  if (details.requestId !== undefined) return error;
  return new QuorumError({ code, message, details: { ...details, requestId }, cause });
}

function ignore(): void {
  // Nobody waits.
}
