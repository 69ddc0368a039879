import type { Duplex } from "@quorumfs/core";

/** One end of a stream whose other end is the test. */
export class FakeDuplex<Out, In> implements Duplex<Out, In> {
  readonly written: Out[] = [];
  /** What `write` answers. */
  free = true;
  paused = false;
  cancelled = false;
  halfClosed = false;
  /** Told of everything written, so that two ends can be joined. */
  onWrite: (message: Out) => void = () => {};
  #message: (message: In) => void = () => {};
  #drain: () => void = () => {};
  #end: (error: Error | undefined) => void = () => {};

  write(message: Out): boolean {
    this.written.push(message);
    this.onWrite(message);
    return this.free;
  }

  end(): void {
    this.halfClosed = true;
  }

  cancel(): void {
    this.cancelled = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  onMessage(listener: (message: In) => void): void {
    this.#message = listener;
  }

  onDrain(listener: () => void): void {
    this.#drain = listener;
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#end = listener;
  }

  /** The other end sends a message. */
  receive(message: In): void {
    this.#message(message);
  }

  /** The transport takes more again. */
  drain(): void {
    this.free = true;
    this.#drain();
  }

  /** The stream is over. */
  finish(error?: Error): void {
    this.#end(error);
  }
}
