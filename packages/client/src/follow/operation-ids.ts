import type { Random } from "@quorumfs/core";

const idBytes = 16;
const prefixBytes = 10;
// Ids that share a piece of memory: a piece for each would cost several times as much as the id itself.
const idsPerPiece = 128;

/** Names for operations that have no request id: what this client is, and a number. For logs only; nobody decides by them. */
export class OperationIds {
  readonly #random: Random;
  #prefix: Uint8Array | undefined;
  #piece = new Uint8Array(0);
  #used = 0;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** 16 bytes. */
  next(): Uint8Array {
    if (this.#used === this.#piece.length) {
      this.#piece = new Uint8Array(idBytes * idsPerPiece);
      this.#used = 0;
    }
    const id = this.#piece.subarray(this.#used, this.#used + idBytes);
    this.#used += idBytes;
    id.set((this.#prefix ??= this.#random.bytes(prefixBytes)));
    const count = (this.#count += 1);
    id[12] = count >>> 24;
    id[13] = count >>> 16;
    id[14] = count >>> 8;
    id[15] = count;
    return id;
  }
}
