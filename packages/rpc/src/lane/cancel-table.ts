import { CancelSource } from "./cancel-source.js";

/**
 * The signals of the requests under way on a served lane, by request id.
 *
 * A Map would do, but for its memory: requests come and go by the thousand, and each time that a Map of V8 is rehashed, its
 * old table keeps what was in it alive until the next full collection: every second request, in measurements. There are
 * never many at once, so that looking through an array of numbers is as quick.
 */
export class CancelTable {
  readonly #ids: number[] = [];
  readonly #sources: CancelSource[] = [];

  get(id: number): CancelSource | undefined {
    const index = this.#ids.lastIndexOf(id);
    return index < 0 ? undefined : this.#sources[index];
  }

  add(id: number): CancelSource {
    const source = new CancelSource();
    this.#ids.push(id);
    this.#sources.push(source);
    return source;
  }

  delete(id: number): void {
    const index = this.#ids.indexOf(id);
    if (index < 0) return;
    const lastId = this.#ids.pop();
    const lastSource = this.#sources.pop();
    // Order means nothing here: the last one fills the gap.
    if (index === this.#ids.length || lastId === undefined || lastSource === undefined) return;
    this.#ids[index] = lastId;
    this.#sources[index] = lastSource;
  }

  /** Aborts all of them, and forgets them. */
  abortAll(reason: unknown): void {
    this.#ids.length = 0;
    for (const source of this.#sources.splice(0)) source.abort(reason);
  }
}
