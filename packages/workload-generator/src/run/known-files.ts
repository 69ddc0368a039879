/** What this process saw last of a file: what a conditional write goes by. */
export interface KnownFile {
  /** The content's stamp. */
  readonly value: string;
  readonly version: number;
  readonly etag: string;
}

/** By number; a file that is not here was absent when it was last seen, or never seen. */
export class KnownFiles {
  readonly #files = new Map<number, KnownFile>();

  get(file: number): KnownFile | undefined {
    return this.#files.get(file);
  }

  /** Replies may come in another order than the versions that they tell of. */
  saw(file: number, known: KnownFile): void {
    const before = this.#files.get(file);
    if (!before || before.version < known.version) this.#files.set(file, known);
  }

  sawAbsent(file: number): void {
    this.#files.delete(file);
  }
}
