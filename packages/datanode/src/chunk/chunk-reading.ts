import { type CancelSignal, type Clock, QuorumError, type ServedDuplex } from "@quorumfs/core";
import type { ReadChunkRequest, ReadChunkResponse } from "@quorumfs/proto";
import type { TrafficCounts } from "../observe/chunk-traffic.js";
import type { ChunkKey } from "./chunk-key.js";
import type { ChunkStore, StoredPiece } from "./chunk-store.js";
import { stallMs } from "./chunk-writing.js";
import type { Gate } from "./gate.js";
import { ProgressWatch } from "./progress-watch.js";

export interface ChunkReadingOptions {
  readonly stream: ServedDuplex<ReadChunkResponse, ReadChunkRequest>;
  /** Aborted when the caller has gone. */
  readonly signal: CancelSignal;
  readonly store: Pick<ChunkStore, "read">;
  readonly clock: Clock;
  /** Of callers of this kind. */
  readonly counts: TrafficCounts;
  /** Bounds the reads under way. */
  readonly gate: Gate;
  /** Decodes and checks whose chunk it is. @throws QuorumError */
  readonly keyOf: (request: ReadChunkRequest) => ChunkKey;
}

/** One ReadChunk call: a request, then pieces as fast as the caller takes them. */
export class ChunkReading {
  readonly #options: ChunkReadingOptions;
  readonly #watch: ProgressWatch;
  #asked = false;
  #ended = false;
  /** Resumes what waits for the caller to take what was sent. */
  #onDrained: () => void = () => undefined;

  constructor(options: ChunkReadingOptions) {
    this.#options = options;
    const { stream, signal, clock } = options;
    this.#watch = new ProgressWatch({ clock, limitMs: stallMs, onStall: () => this.#fail(stalled()) });
    signal.addEventListener("abort", () => this.#end(), { once: true });
    stream.onEnd((error) => {
      if (error) this.#end();
      else if (!this.#asked) this.#fail(invalid("a call asks for one chunk"));
    });
    stream.onDrain(() => this.#onDrained());
    stream.onMessage((request) => {
      if (this.#ended) return;
      if (this.#asked) return this.#fail(invalid("a call asks for one chunk, and no more"));
      this.#asked = true;
      this.#watch.rest();
      this.#serve(request).catch((error: unknown) => this.#fail(error));
    });
    this.#watch.wait();
  }

  async #serve(request: ReadChunkRequest): Promise<void> {
    const { store, stream, gate, signal, counts, keyOf } = this.#options;
    const key = keyOf(request);
    const leave = await gate.enter(1, signal);
    try {
      let isFirst = true;
      for await (const piece of store.read(key, request)) {
        if (this.#ended) return;
        counts.bytesRead += piece.data.length;
        if (!stream.write(messageOf(piece, isFirst), piece.release)) await this.#drained();
        isFirst = false;
      }
      if (this.#ended) return;
      counts.chunksRead += 1;
      this.#end();
      stream.end();
    } finally {
      leave();
    }
  }

  /** Resolves when the caller has taken enough, or the call has ended. */
  async #drained(): Promise<void> {
    if (this.#ended) return;
    this.#watch.wait();
    await new Promise<void>((resolve) => (this.#onDrained = resolve));
    this.#watch.rest();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    this.#options.stream.fail(error);
  }

  #end(): void {
    this.#ended = true;
    this.#watch.end();
    this.#onDrained();
  }
}

function messageOf(piece: StoredPiece, isFirst: boolean): ReadChunkResponse {
  const { data, checksums, offset, chunkChecksums } = piece;
  const chunkCrc32c = isFirst && chunkChecksums ? [...chunkChecksums] : [];
  return { data, blockCrc32c: [...checksums], offset, chunkCrc32c };
}

function stalled(): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `nothing was taken for ${stallMs / 1000} s; the read was given up, ask for the rest`,
  });
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
