import { assert, blockBytes, combineCrc32c, type ContentDraft } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import type { ChunkContent } from "./chunk-store.js";
import { encodeFooter } from "./chunk-file.js";

/** A chunk's file while it is written: adds up its checksums as the bytes come, and puts the footer behind them. */
export class ChunkDraft {
  readonly #draft: ContentDraft;
  readonly #chunkKey: Uint8Array;
  readonly #blocks: number[] = [];
  /** Of the block that is being filled. */
  #block = 0;
  #blockFilled = 0;
  /** Of the full blocks. */
  #checksum = 0;
  #size = 0;

  constructor(options: { readonly draft: ContentDraft; readonly chunkKey: Uint8Array }) {
    this.#draft = options.draft;
    this.#chunkKey = options.chunkKey;
  }

  get size(): number {
    return this.#size;
  }

  /** What was written so far. */
  get content(): ChunkContent {
    return { size: this.#size, checksum: combineCrc32c(this.#checksum, this.#block, this.#blockFilled) };
  }

  /** Appends; resolves when the bytes may be reused. One write at a time. @throws QuorumError as the draft does */
  async write(bytes: Uint8Array): Promise<void> {
    // The disk works while the checksums are made.
    const written = this.#draft.write(bytes);
    this.#addUp(bytes);
    await written;
  }

  /** Makes the file durable. @returns its place */
  async publish(): Promise<string> {
    const { size, checksum } = this.content;
    assert(size > 0, "a chunk has bytes");
    if (this.#blockFilled > 0) this.#endBlock();
    await this.#draft.write(encodeFooter(this.#chunkKey, { size, checksum, blocks: this.#blocks }));
    return this.#draft.publish();
  }

  discard(): Promise<void> {
    return this.#draft.discard();
  }

  #addUp(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) {
      const end = Math.min(bytes.length, start + blockBytes - this.#blockFilled);
      this.#block = crc32c(bytes.subarray(start, end), this.#block);
      this.#blockFilled += end - start;
      if (this.#blockFilled === blockBytes) this.#endBlock();
      start = end;
    }
    this.#size += bytes.length;
  }

  #endBlock(): void {
    this.#blocks.push(this.#block);
    this.#checksum = combineCrc32c(this.#checksum, this.#block, this.#blockFilled);
    this.#block = 0;
    this.#blockFilled = 0;
  }
}
