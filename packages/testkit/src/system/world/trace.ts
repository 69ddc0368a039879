import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

const numbers = new Float64Array(1);
const numberBytes = Buffer.from(numbers.buffer);

/** What happened in a run: always as a checksum, which two runs of one seed must share, and as text if somebody reads it. */
export class Trace {
  readonly #lines: string[] | undefined;
  #checksum = 0;
  #events = 0;

  constructor(options: { readonly readable: boolean }) {
    this.#lines = options.readable ? [] : undefined;
  }

  get isReadable(): boolean {
    return this.#lines !== undefined;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** Of everything so far, in its order. */
  get checksum(): string {
    return this.#checksum.toString(16).padStart(8, "0");
  }

  get events(): number {
    return this.#events;
  }

  mark(atMs: number, what: Uint8Array | string): void {
    this.#events += 1;
    numbers[0] = atMs;
    this.#checksum = crc32(what, crc32(numberBytes, this.#checksum));
  }

  /** @param line made only if somebody reads it */
  say(atMs: number, line: () => string): void {
    this.#lines?.push(`${(atMs / 1000).toFixed(6).padStart(12)}  ${line()}`);
  }
}
