/**
 * A SHA-256 that can be put aside and taken up again, which Node's own cannot: so an append goes on with the hash of what
 * is there already. Slower than Node's, which is why nothing else uses it.
 */
import type { IHasher } from "hash-wasm";
import { toHex } from "../wire.js";

export class SavedSha256 {
  readonly #hasher: IHasher;

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  /** Of no bytes yet. */
  static async start(): Promise<SavedSha256> {
    // Loaded by the first append; other programs do without.
    const { createSHA256 } = await import("hash-wasm");
    return new SavedSha256((await createSHA256()).init());
  }

  /**
   * After the bytes that `state` was saved after.
   *
   * @param etag what their SHA-256 is, in hexadecimal
   * @returns undefined if the state is not that of these bytes, or of another release of the library
   */
  static async resume(state: Uint8Array, etag: string): Promise<SavedSha256 | undefined> {
    if (state.length === 0) return undefined;
    const hash = await SavedSha256.start();
    try {
      hash.#hasher.load(state);
    } catch {
      return undefined;
    }
    return toHex(hash.digest()) === etag ? hash : undefined;
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  save(): Uint8Array {
    return this.#hasher.save();
  }

  /** Of what has come so far; more may follow. */
  digest(): Uint8Array {
    const state = this.#hasher.save();
    const digest = this.#hasher.digest("binary");
    this.#hasher.load(state);
    return digest;
  }
}
