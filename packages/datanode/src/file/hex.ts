/** Bytes that turn into hex only if somebody writes them down: a log line that nobody wants costs nothing. */
export class Hex {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  toJSON(): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength).toString("hex");
  }
}
