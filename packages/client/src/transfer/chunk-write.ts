import { type Clock, type Duplex, QuorumError } from "@quorumfs/core";
import {
  type ChunkHeader,
  ChunkServiceService,
  type WriteChunkRequest,
  type WriteChunkResponse,
} from "@quorumfs/proto";
import type { BulkPeer } from "../routing/bulk-peer.js";

export interface ChunkWriteOptions {
  readonly peer: BulkPeer;
  readonly header: ChunkHeader;
  /** With the content, which is not to be changed before the end. */
  readonly messages: readonly WriteChunkRequest[];
  readonly clock: Clock;
  /** Called with how far it has come, which grows from call to call. */
  readonly onProgress: (steps: number) => void;
  /** Called once, never from within the constructor: undefined when the chunk is durable there. Not after {@link ChunkWrite.cancel}. */
  readonly onEnd: (error: QuorumError | undefined) => void;
}

/** One chunk on its way to one replica. */
export class ChunkWrite {
  readonly #options: ChunkWriteOptions;
  readonly #stream: Duplex<WriteChunkRequest, WriteChunkResponse>;
  #next = 0;
  #proceeding = false;
  #ended = false;
  /** When the replica last took something or answered, or the attempt began. */
  progressedAtMs: number;

  constructor(options: ChunkWriteOptions) {
    const { peer, header, clock } = options;
    this.#options = options;
    this.progressedAtMs = clock.nowMs();
    // No deadline of its own: what makes no progress is cancelled by the chunk's upload.
    this.#stream = peer.channel.duplex(ChunkServiceService.writeChunk, {});
    this.#stream.onMessage((message) => this.#onMessage(message));
    this.#stream.onDrain(() => {
      if (this.#proceeding) this.#send();
    });
    this.#stream.onEnd((error) => this.#end(this.#failureOf(error)));
    this.#stream.write({ part: { $case: "header", value: header } });
  }

  get peer(): BulkPeer {
    return this.#options.peer;
  }

  #onMessage({ step }: WriteChunkResponse): void {
    if (this.#ended) return;
    this.#progress();
    switch (step?.$case) {
      case "proceed":
        this.#proceeding = true;
        this.#send();
        return;
      case "stored":
        if (this.#next < this.#options.messages.length) this.#stream.end();
        this.#end(undefined);
        return;
      case undefined:
        return;
    }
  }

  #send(): void {
    const { messages } = this.#options;
    if (this.#ended || this.#next === messages.length) return;
    this.#progress();
    for (let free = true; free && this.#next < messages.length; this.#next += 1) {
      const message = messages[this.#next];
      if (message) free = this.#stream.write(message);
    }
    if (this.#next === messages.length) this.#stream.end();
  }

  #progress(): void {
    this.progressedAtMs = this.#options.clock.nowMs();
    this.#options.onProgress(1 + this.#next);
  }

  #failureOf(error: Error | undefined): QuorumError {
    if (error) return QuorumError.from(error);
    const { id, address } = this.#options.peer;
    const message = `DataNode ${id} at ${address} ended the transfer of a chunk before it was stored`;
    return new QuorumError({ code: "unavailable", message });
  }

  #end(error: QuorumError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.onEnd(error);
  }

  /** Gives it up. Idempotent; nothing after the end. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.cancel();
  }
}
