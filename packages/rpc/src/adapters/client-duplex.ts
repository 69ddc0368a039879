import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { status as Status } from "@grpc/grpc-js";
import { type Duplex, QuorumError } from "@quorumfs/core";
import type { Codec } from "./codec.js";
import { MessageStream } from "./message-stream.js";
import type { FailureStatus } from "./status.js";
import { messageOf } from "./system-errors.js";
import { failureOf } from "./trailers.js";

/** The client's end of a duplex stream. */
export class ClientDuplex<Out, In> implements Duplex<Out, In> {
  readonly #stream: ClientHttp2Stream;
  readonly #codec: Codec<Out, In>;
  readonly #messages: MessageStream;
  readonly #translate: (failure: FailureStatus, cause: unknown) => QuorumError;
  /** How the server says that the call ended; `pending` until it has. */
  #status: FailureStatus | "ok" | "pending" = "pending";
  #error: unknown;
  readonly #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #told = false;
  #onEnd: ((error: Error | undefined) => void) | undefined;
  #endedWith: Error | undefined;

  constructor(
    stream: ClientHttp2Stream,
    options: {
      readonly codec: Codec<Out, In>;
      readonly timeoutMs: number | undefined;
      readonly translate: (failure: FailureStatus, cause: unknown) => QuorumError;
    },
  ) {
    this.#stream = stream;
    this.#codec = options.codec;
    this.#translate = options.translate;
    this.#messages = new MessageStream(stream, (thrown) => this.#break(thrown));
    stream.on("response", (headers, flags) => {
      const status = Number(headers[":status"]);
      if (status !== 200) this.#break(new Error(`answered with HTTP status ${status}`));
      // A call that ends before its first message says so in its headers.
      else if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.#takeStatus(headers);
    });
    stream.on("trailers", (trailers: IncomingHttpHeaders) => this.#takeStatus(trailers));
    stream.on("error", (error) => {
      this.#error = error;
    });
    stream.on("end", () => {
      if (this.#status === "ok") this.#messages.whenRead(() => this.#finish());
    });
    stream.on("close", () => {
      clearTimeout(this.#timer);
      if (this.#status === "ok") this.#messages.whenRead(() => this.#finish());
      else this.#finish();
    });
    if (options.timeoutMs !== undefined) this.#timer = setTimeout(() => this.#expire(), options.timeoutMs);
  }

  write(message: Out): boolean {
    if (this.#closed) return true;
    return this.#messages.write(this.#codec.requestPieces(message));
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.end();
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  pause(): void {
    this.#messages.pause();
  }

  resume(): void {
    this.#messages.resume();
  }

  onMessage(listener: (message: In) => void): void {
    this.#messages.onMessage((bytes) => {
      if (!this.#told) listener(this.#codec.decodeResponse(bytes));
    });
  }

  onDrain(listener: () => void): void {
    this.#messages.onDrain(listener);
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener;
    if (this.#told) queueMicrotask(() => listener(this.#endedWith));
  }

  #takeStatus(headers: IncomingHttpHeaders): void {
    const failure = failureOf(headers);
    this.#status = failure ?? "ok";
    // What came before a failure is delivered with this turn's events; after it nobody waits for what was held back.
    if (failure !== undefined) setImmediate(() => this.#finish());
    else if (!this.#messages.isRead) this.#stream.resume();
  }

  #expire(): void {
    this.#status = { code: Status.DEADLINE_EXCEEDED, details: "deadline exceeded", detail: undefined };
    this.cancel();
    this.#finish();
  }

  /** What the server sends cannot be used. */
  #break(thrown: unknown): void {
    this.#error = thrown;
    this.cancel();
    this.#finish();
  }

  #finish(): void {
    if (this.#told) return;
    this.#told = true;
    this.#closed = true;
    this.#endedWith = this.#status === "ok" ? undefined : this.#failure(this.#status);
    // The server has said its last word; what we still had to say goes nowhere. If both have, it closes by itself.
    const { closed, writableFinished, readableEnded } = this.#stream;
    if (!closed && !(writableFinished && readableEnded)) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    this.#onEnd?.(this.#endedWith);
  }

  #failure(status: FailureStatus | "pending"): QuorumError {
    if (status !== "pending") return this.#translate(status, this.#error);
    if (this.#error instanceof QuorumError) return this.#error;
    const cancelled = this.#error === undefined && this.#stream.rstCode === constants.NGHTTP2_CANCEL;
    const details = messageOf(this.#error) ?? "the connection was lost";
    return this.#translate(
      { code: cancelled ? Status.CANCELLED : Status.UNAVAILABLE, details, detail: undefined },
      this.#error,
    );
  }
}
