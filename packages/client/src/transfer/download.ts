/**
 * The bytes of a range of a file, in order. Chunks are asked for ahead of the reader, as far as the client's memory for
 * that allows, each from one of its replicas.
 */
import { createHash, type Hash } from "node:crypto";
import { blockBytes, type ChunkPiece, chunksOf, type Extent, QuorumError } from "@quorumfs/core";
import type { Lifetime } from "./lifetime.js";
import type { ReadAhead } from "./read-ahead.js";
import { SpanRead } from "./span-read.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

export interface DownloadOptions {
  /** `bucket/path`, for messages. */
  readonly name: string;
  readonly owner: ChunkOwner;
  readonly extents: readonly Extent[];
  readonly range: { readonly offset: number; readonly length: number };
  /** SHA-256 in hexadecimal that the range must have; only of whole files is it known. */
  readonly etag?: string | undefined;
  readonly timeoutMs: number;
  readonly lifetime: Lifetime;
}

interface Rest {
  readonly piece: ChunkPiece;
  offset: number;
  readonly end: number;
}

export class Download {
  readonly #context: TransferContext;
  readonly #options: DownloadOptions;
  readonly #readAhead: ReadAhead;
  readonly #pieces: Iterator<ChunkPiece, void, undefined>;
  /** What has not been asked for yet of the chunk that is cut up now. */
  #rest: Rest | undefined;
  /** In order of the file; the first is the one that is read. */
  readonly #spans: SpanRead[] = [];
  /** Bytes of the budget that this holds. */
  #held = 0;
  #isFlowing = false;
  readonly #hash: Hash | undefined;
  #wake: () => void = ignore;

  constructor(context: TransferContext, options: DownloadOptions) {
    const { extents, range, etag, lifetime } = options;
    this.#context = context;
    this.#options = options;
    this.#readAhead = context.readAhead;
    this.#pieces = chunksOf(extents, range);
    this.#hash = etag === undefined ? undefined : createHash("sha256");
    lifetime.onEnd(() => this.#wake());
    lifetime.finally(() => this.#stop());
    // The first byte is on its way before anybody asks for it.
    this.#askAhead();
  }

  /**
   * The next bytes, verified; undefined at the end. One call at a time.
   *
   * @throws QuorumError `unavailable`, `corrupt`, or why the lifetime has ended
   */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#options.lifetime.check();
      this.#askAhead();
      const [span] = this.#spans;
      if (!span) return this.#atEnd();
      const bytes = span.take();
      if (bytes) return this.#handOut(bytes);
      if (span.error) throw span.error;
      if (span.done) this.#spans.shift();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #handOut(bytes: Uint8Array): Uint8Array {
    this.#held -= bytes.length;
    this.#readAhead.free(bytes.length);
    this.#hash?.update(bytes);
    this.#isFlowing = true;
    this.#askAhead();
    return bytes;
  }

  #atEnd(): undefined {
    const { name, etag } = this.#options;
    if (!this.#hash || this.#hash.digest("hex") === etag) return undefined;
    throw new QuorumError({ code: "corrupt", message: `the content of ${name} does not match its SHA-256` });
  }

  #askAhead(): void {
    // One request brings the first byte soonest; others would only compete with it, and be in vain if the reader leaves.
    while (this.#isFlowing || this.#spans.length === 0) {
      const rest = this.#rest ?? this.#nextRest();
      if (!rest) return;
      this.#rest = rest;
      const granted = this.#readAhead.take(rest.end - rest.offset, this.#spans.length === 0);
      if (granted === 0) return;
      this.#held += granted;
      // A read costs whole blocks; a part that ends with one is continued without reading a block twice.
      const cut = rest.offset + granted;
      const end = cut === rest.end ? cut : cut - (cut % blockBytes);
      this.#readAhead.free(cut - end);
      this.#held -= cut - end;
      this.#ask(rest.piece, { offset: rest.offset, end });
      if (end === rest.end) this.#rest = undefined;
      else rest.offset = end;
    }
  }

  #nextRest(): Rest | undefined {
    const next = this.#pieces.next();
    if (next.done === true) return undefined;
    const { range } = this.#options;
    const piece = next.value;
    return {
      piece,
      offset: Math.max(0, range.offset - piece.fileOffset),
      end: Math.min(piece.bytes, range.offset + range.length - piece.fileOffset),
    };
  }

  #ask(piece: ChunkPiece, span: { readonly offset: number; readonly end: number }): void {
    const { name, owner, timeoutMs } = this.#options;
    const read: SpanRead = new SpanRead(this.#context, {
      name,
      owner,
      piece,
      span,
      timeoutMs,
      onChange: () => {
        if (this.#spans[0] === read) this.#wake();
      },
    });
    this.#spans.push(read);
    read.start();
  }

  #stop(): void {
    for (const span of this.#spans) span.cancel();
    this.#readAhead.free(this.#held);
    this.#held = 0;
  }
}

function ignore(): void {
  // Nobody waits.
}
