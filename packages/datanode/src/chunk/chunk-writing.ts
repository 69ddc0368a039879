import { blockBytes, type CancelSignal, type Clock, QuorumError, type ServedDuplex } from "@quorumfs/core";
import type { ChunkHeader, WriteChunkRequest, WriteChunkResponse } from "@quorumfs/proto";
import type { TrafficCounts } from "../observe/chunk-traffic.js";
import { damagedOnTheWay } from "./chunk-intake.js";
import type { ChunkKey } from "./chunk-key.js";
import { pieceBytesMax } from "./piece-memory.js";
import type { ChunkIntake, ChunkStore } from "./chunk-store.js";
import { ProgressWatch } from "./progress-watch.js";

/** A sender that does not get a block across in this time holds room that others wait for. */
export const stallMs = 30_000;

/** What is taken from the stream before the disk has it. */
const unwrittenBytesMax = 2 * pieceBytesMax;

export interface ChunkWritingOptions {
  readonly stream: ServedDuplex<WriteChunkResponse, WriteChunkRequest>;
  /** Aborted when the caller has gone. */
  readonly signal: CancelSignal;
  readonly store: Pick<ChunkStore, "begin">;
  readonly clock: Clock;
  /** Of callers of this kind. */
  readonly counts: TrafficCounts;
  /** Decodes and checks whose chunk it is. @throws QuorumError */
  readonly keyOf: (header: ChunkHeader) => ChunkKey;
}

/** One WriteChunk call: header, `proceed`, bytes, `stored`. */
export class ChunkWriting {
  readonly #options: ChunkWritingOptions;
  readonly #watch: ProgressWatch;
  #header: ChunkHeader | undefined;
  #intake: ChunkIntake | undefined;
  #received = 0;
  #receivedAtLastBlock = 0;
  #unwritten = 0;
  #paused = false;
  /** The writes, one after the other. */
  #writes: Promise<void> = Promise.resolve();
  #halfClosed = false;
  #ended = false;

  constructor(options: ChunkWritingOptions) {
    this.#options = options;
    const { stream, signal, clock } = options;
    this.#watch = new ProgressWatch({
      clock,
      limitMs: stallMs,
      onStall: () => this.#fail(stalled()),
    });
    signal.addEventListener("abort", () => this.#giveUp(), { once: true });
    stream.onEnd((error) => this.#onEnd(error));
    stream.onMessage(({ part }) => this.#onPart(part));
    this.#watch.wait();
  }

  #onPart(part: WriteChunkRequest["part"]): void {
    if (this.#ended) return;
    if (!part) return this.#fail(invalid("a message is empty"));
    if (part.$case === "data") return this.#onData(part.value);
    if (this.#header) return this.#fail(invalid("a call is for one chunk, and has one header"));
    this.#header = part.value;
    this.#watch.rest();
    this.#begin(part.value).catch((error: unknown) => this.#fail(error));
  }

  async #begin(header: ChunkHeader): Promise<void> {
    const { store, stream, signal, keyOf } = this.#options;
    const begun = await store.begin(keyOf(header), { size: header.size, checksum: header.crc32c }, signal);
    if (begun === "held") return this.#finish();
    if (this.#ended || this.#halfClosed) {
      // It has gone in the meantime, or has said that no bytes will come.
      await begun.discard();
      return this.#fail(damagedOnTheWay(`0 bytes came, and ${header.size} were announced`));
    }
    this.#intake = begun;
    stream.write({ step: { $case: "proceed", value: {} } });
    this.#watch.wait();
  }

  #onData(data: Uint8Array): void {
    const intake = this.#intake;
    if (!this.#header || !intake) return this.#fail(invalid("bytes are sent when the server says that it has room"));
    if (data.length > pieceBytesMax) return this.#fail(invalid(`a message has at most ${pieceBytesMax} bytes`));
    this.#received += data.length;
    const { size } = this.#header;
    if (this.#received > size) return this.#fail(invalid(`more than the ${size} bytes came that were announced`));
    this.#countProgress(size);
    this.#unwritten += data.length;
    this.#writes = this.#writes.then(() => this.#write(intake, data));
    if (this.#received === size) this.#writes = this.#writes.then(() => this.#commit(intake));
    this.#writes.catch((error: unknown) => this.#fail(error));
    this.#holdBack();
  }

  /** A sender of single bytes gets nowhere. */
  #countProgress(size: number): void {
    if (this.#received < size && this.#received - this.#receivedAtLastBlock < blockBytes) return;
    this.#receivedAtLastBlock = this.#received;
    if (this.#received < size) this.#watch.wait();
    else this.#watch.rest();
  }

  async #write(intake: ChunkIntake, data: Uint8Array): Promise<void> {
    if (this.#ended) return;
    await intake.write(data);
    this.#options.counts.bytesWritten += data.length;
    this.#options.stream.reuse?.(data);
    this.#unwritten -= data.length;
    this.#goOn();
  }

  async #commit(intake: ChunkIntake): Promise<void> {
    if (this.#ended) return;
    await intake.commit();
    this.#options.counts.chunksWritten += 1;
    this.#finish();
  }

  #holdBack(): void {
    if (this.#paused || this.#unwritten < unwrittenBytesMax) return;
    this.#paused = true;
    this.#watch.rest();
    this.#options.stream.pause();
  }

  #goOn(): void {
    if (!this.#paused || this.#unwritten >= unwrittenBytesMax) return;
    this.#paused = false;
    if (this.#received < (this.#header?.size ?? 0)) this.#watch.wait();
    this.#options.stream.resume();
  }

  #onEnd(error: Error | undefined): void {
    if (error) return this.#giveUp();
    const { size } = this.#header ?? { size: 0 };
    // Whoever has said all may say that it has.
    if (this.#header && this.#received === size) return;
    this.#halfClosed = true;
    const what = `${this.#received} bytes came, and ${size} were announced`;
    if (this.#intake) this.#fail(damagedOnTheWay(what));
    // Perhaps the chunk is here already.
    else if (!this.#header) this.#fail(invalid(what));
  }

  #finish(): void {
    if (this.#ended) return;
    this.#end();
    const { stream } = this.#options;
    stream.write({ step: { $case: "stored", value: {} } });
    stream.end();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#giveUp();
    this.#options.stream.fail(error);
  }

  #giveUp(): void {
    if (this.#ended) return;
    this.#end();
    void this.#intake?.discard();
  }

  #end(): void {
    this.#ended = true;
    this.#watch.end();
  }
}

function stalled(): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `nothing came for ${stallMs / 1000} s; the chunk was given up, send it again`,
  });
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
