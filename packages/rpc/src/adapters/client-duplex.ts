import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import type { Duplex, QuorumError } from "@quorumfs/core";
import { FrameWindow } from "./frame-window.js";

/** The client's end of a duplex stream of grpc-js, as the port describes one. */
export class ClientDuplex<Out, In> implements Duplex<Out, In> {
  readonly #call: ClientDuplexStream<Out, In>;
  readonly #window = new FrameWindow();
  #ended = false;
  #halfClosed = false;
  #onEnd: ((error: Error | undefined) => void) | undefined;
  #endedWith: Error | undefined;

  constructor(call: ClientDuplexStream<Out, In>, translate: (error: ServiceError) => QuorumError) {
    this.#call = call;
    call.on("error", (error: ServiceError) => this.#end(translate(error)));
    call.on("end", () => this.#end(undefined));
  }

  write(message: Out): boolean {
    if (this.#ended || this.#halfClosed) return true;
    const free = this.#window.enter();
    this.#call.write(message, this.#window.leave);
    return free;
  }

  end(): void {
    if (this.#ended || this.#halfClosed) return;
    this.#halfClosed = true;
    this.#call.end();
  }

  cancel(): void {
    if (!this.#ended) this.#call.cancel();
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  onMessage(listener: (message: In) => void): void {
    this.#call.on("data", listener);
  }

  onDrain(listener: () => void): void {
    this.#window.onDrain(listener);
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener;
    if (this.#ended) listener(this.#endedWith);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endedWith = error;
    this.#onEnd?.(error);
  }
}
