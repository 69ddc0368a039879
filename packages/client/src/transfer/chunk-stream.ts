import { type ChunkPiece, type Clock, type Duplex, QuorumError } from "@quorumfs/core";
import { ChunkServiceService, type ReadChunkRequest, type ReadChunkResponse } from "@quorumfs/proto";
import type { BulkPeer } from "../routing/bulk-peer.js";
import { BlockCheck, type ChunkSpan } from "./block-check.js";
import type { ChunkOwner } from "./transfer-context.js";

export interface ChunkStreamOptions {
  readonly peer: BulkPeer;
  readonly owner: ChunkOwner;
  readonly piece: ChunkPiece;
  /** What is wanted of the chunk. */
  readonly span: ChunkSpan;
  readonly clock: Clock;
  /** The next verified bytes of the span, in order. */
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Called once: undefined when the whole span has been delivered. Not after {@link ChunkStream.cancel}. */
  readonly onEnd: (error: QuorumError | undefined) => void;
}

/** A part of one chunk on its way from one replica. */
export class ChunkStream {
  readonly #options: ChunkStreamOptions;
  readonly #stream: Duplex<ReadChunkRequest, ReadChunkResponse>;
  readonly #check: BlockCheck;
  #position: number;
  #ended = false;
  /** When bytes last came, or the attempt began. */
  progressedAtMs: number;
  readonly askedAtMs: number;
  /** Bytes have come of it. */
  hasBegun = false;

  constructor(options: ChunkStreamOptions) {
    const { peer, owner, piece, span, clock } = options;
    const { upload, index } = piece;
    this.#options = options;
    this.#check = new BlockCheck(piece, span);
    this.#position = span.offset;
    this.askedAtMs = clock.nowMs();
    this.progressedAtMs = this.askedAtMs;
    peer.readingBytes += span.end - span.offset;
    // No deadline of its own: who waits for the bytes turns to another replica when none come.
    this.#stream = peer.channel.duplex(ChunkServiceService.readChunk, {});
    this.#stream.onMessage((message) => this.#onMessage(message));
    this.#stream.onEnd((error) => this.#end(this.#failureOf(error)));
    const length = span.end - span.offset;
    this.#stream.write({
      owner: { bucket: owner.bucket, path: owner.path },
      upload,
      index,
      offset: span.offset,
      length,
    });
    this.#stream.end();
  }

  get peer(): BulkPeer {
    return this.#options.peer;
  }

  #onMessage(message: ReadChunkResponse): void {
    if (this.#ended) return;
    const { span, clock, peer, onBytes } = this.#options;
    try {
      const bytes = this.#check.take(message);
      this.#position += bytes.length;
      this.progressedAtMs = clock.nowMs();
      peer.readingBytes -= bytes.length;
      onBytes(bytes);
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      this.#stream.cancel();
      this.#end(
        new QuorumError({ code, message: `DataNode ${peer.id} at ${peer.address}: ${message}`, cause: thrown }),
      );
      return;
    }
    if (this.#position === span.end) this.#end(undefined);
  }

  #failureOf(error: Error | undefined): QuorumError {
    if (error) return QuorumError.from(error);
    const { id, address } = this.#options.peer;
    return new QuorumError({
      code: "corrupt",
      message: `DataNode ${id} at ${address} sent less of a chunk than it has`,
    });
  }

  #end(error: QuorumError | undefined): void {
    if (!this.#leave()) return;
    this.#options.onEnd(error);
  }

  /** Gives it up. Idempotent; nothing after the end. */
  cancel(): void {
    if (this.#leave()) this.#stream.cancel();
  }

  #leave(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#options.peer.readingBytes -= this.#options.span.end - this.#position;
    return true;
  }
}
