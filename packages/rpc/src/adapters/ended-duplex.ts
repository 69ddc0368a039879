import type { Duplex } from "@quorumfs/core";

/** A stream that was over before it began. */
export class EndedDuplex<Out, In> implements Duplex<Out, In> {
  readonly #error: Error;

  constructor(error: Error) {
    this.#error = error;
  }

  write(): boolean {
    return true;
  }

  end(): void {}

  cancel(): void {}

  pause(): void {}

  resume(): void {}

  onMessage(): void {}

  onDrain(): void {}

  onEnd(listener: (error: Error | undefined) => void): void {
    queueMicrotask(() => listener(this.#error));
  }
}
