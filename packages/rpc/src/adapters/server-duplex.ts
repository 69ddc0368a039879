import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { type Duplex, QuorumError } from "@quorumfs/core";
import { Undecodable } from "./codec.js";
import { FrameWindow } from "./frame-window.js";

export interface ServerDuplexOptions {
  /** Ends the connection of a peer. */
  readonly cut: (peer: string) => void;
  /** Ends the stream with an error. */
  readonly refuse: (error: QuorumError) => void;
}

/**
 * The server's end of a duplex stream of grpc-js, as the port describes one. When the client half-closes, `onEnd`
 * is told, and what is written after that still reaches the client until `end` is called.
 */
export class ServerDuplex<Out, In> implements Duplex<Out, In> {
  readonly #call: ServerDuplexStream<In | Undecodable, Out>;
  readonly #options: ServerDuplexOptions;
  readonly #window = new FrameWindow();
  #closed = false;
  #told = false;
  #onEnd: ((error: Error | undefined) => void) | undefined;
  #endedWith: Error | undefined;

  constructor(call: ServerDuplexStream<In | Undecodable, Out>, options: ServerDuplexOptions) {
    this.#call = call;
    this.#options = options;
    // When a client goes, its end comes first and the news that it was none a moment later.
    call.on("end", () => setImmediate(() => this.#tell(undefined)));
    call.on("cancelled", () => this.#gone());
    call.on("close", () => this.#gone());
  }

  write(message: Out): boolean {
    if (this.#closed) return true;
    const free = this.#window.enter();
    this.#call.write(message, this.#window.leave);
    return free;
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#call.end();
  }

  cancel(): void {
    if (this.#closed) return;
    // A status would wait behind what the peer does not read.
    if (this.#window.full) this.#options.cut(this.#call.getPeer());
    this.fail({ code: status.CANCELLED, details: "the server gave the stream up" });
  }

  /** Ends the stream with a status other than OK. */
  fail(reason: { readonly code: status; readonly details: string }): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#call.emit("error", reason);
    this.#tell(new QuorumError({ code: "cancelled", message: "the stream was given up" }));
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  onMessage(listener: (message: In) => void): void {
    this.#call.on("data", (message: In | Undecodable) => {
      if (this.#closed) return;
      if (message instanceof Undecodable) this.#options.refuse(message.error);
      else listener(message);
    });
  }

  onDrain(listener: () => void): void {
    this.#window.onDrain(listener);
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener;
    if (this.#told) listener(this.#endedWith);
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
