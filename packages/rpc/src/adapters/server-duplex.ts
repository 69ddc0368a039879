import { constants, type ServerHttp2Stream } from "node:http2";
import { status as Status } from "@grpc/grpc-js";
import { QuorumError, type ServedDuplex } from "@quorumfs/core";
import { type Codec, Undecodable } from "./codec.js";
import { statusGraceMs } from "./limits.js";
import { messageMemory } from "./message-memory.js";
import { MessageStream } from "./message-stream.js";
import type { FailureStatus } from "./status.js";
import { okTrailers, trailersOf } from "./trailers.js";

const responseHeaders = { ":status": 200, "content-type": "application/grpc+proto" };

/**
 * The server's end of a duplex stream. When the client half-closes, `onEnd` is told, and what is written after that
 * still reaches the client until `end` is called.
 */
export class ServerDuplex<Out, In> implements ServedDuplex<Out, In> {
  readonly #stream: ServerHttp2Stream;
  readonly #codec: Codec<In, Out>;
  readonly #messages: MessageStream;
  readonly #toStatus: (thrown: unknown) => FailureStatus;
  #trailers = okTrailers;
  #closed = false;
  #told = false;
  #onEnd: ((error: Error | undefined) => void) | undefined;
  #endedWith: Error | undefined;

  constructor(
    stream: ServerHttp2Stream,
    options: { readonly codec: Codec<In, Out>; readonly toStatus: (thrown: unknown) => FailureStatus },
  ) {
    this.#stream = stream;
    this.#codec = options.codec;
    this.#toStatus = options.toStatus;
    this.#messages = new MessageStream(stream, (thrown) => this.fail(thrown));
    // An error is always followed by the end of the stream.
    stream.on("error", ignore);
    stream.on("wantTrailers", () => {
      if (!stream.closed && !stream.destroyed) stream.sendTrailers(this.#trailers);
    });
    stream.on("close", () => this.#gone());
    // A client that goes ends its half first, and a moment later turns out to have gone.
    stream.on("end", () => setImmediate(() => this.#messages.whenRead(() => this.#tell(undefined))));
    // Tells the client at once that it has been heard.
    stream.respond(responseHeaders, { waitForTrailers: true });
  }

  write(message: Out, onSent?: () => void): boolean {
    if (this.#closed) return true;
    return this.#messages.write(this.#codec.responsePieces(message), onSent);
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.end();
  }

  cancel(): void {
    this.finish({ code: Status.CANCELLED, details: "the server gave the stream up", detail: undefined });
  }

  fail(error: unknown): void {
    if (!this.#closed) this.finish(this.#toStatus(error));
  }

  /** Ends the stream with a status. */
  finish(status: FailureStatus): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#trailers = trailersOf(status);
    this.#stream.end();
    // The status comes behind what was written before; a peer that does not read that does without.
    if (this.#messages.full) this.#cutAfter(statusGraceMs);
    // What still comes in is of no interest, and must not keep the stream from closing.
    this.#stream.removeAllListeners("data");
    this.#stream.resume();
    this.#tell(new QuorumError({ code: "cancelled", message: status.details }));
  }

  reuse(bytes: Uint8Array): void {
    messageMemory.giveBack(bytes);
  }

  pause(): void {
    this.#messages.pause();
  }

  resume(): void {
    this.#messages.resume();
  }

  onMessage(listener: (message: In) => void): void {
    this.#messages.onMessage((bytes) => {
      if (this.#closed) return;
      const message = this.#codec.decodeRequest(bytes);
      if (message instanceof Undecodable) throw message.error;
      listener(message);
    });
  }

  onDrain(listener: () => void): void {
    this.#messages.onDrain(listener);
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener;
    if (this.#told) queueMicrotask(() => listener(this.#endedWith));
  }

  #cutAfter(delayMs: number): void {
    const timer = setTimeout(() => this.#stream.close(constants.NGHTTP2_CANCEL), delayMs);
    this.#stream.once("close", () => clearTimeout(timer));
  }

  #gone(): void {
    this.#closed = true;
    this.#tell(new QuorumError({ code: "unavailable", message: "the caller has gone" }));
  }

  #tell(error: Error | undefined): void {
    if (this.#told) return;
    this.#told = true;
    this.#endedWith = error;
    this.#onEnd?.(error);
  }
}

function ignore(): void {}
