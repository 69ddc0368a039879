import type { Hedge } from "./hedges.js";

/**
 * The hint that a value is chosen, which is sent only if some voter has not been heard of a moment after the vote was won.
 * Where all have voted, any quorum of readers finds as many equal votes as prove it, and the hint would be two more
 * messages for each write.
 */
export class LateHint implements Hedge {
  #missing: number;
  #post: (() => void) | undefined;

  /** @param missing votes that are not there yet */
  constructor(missing: number, post: () => void) {
    this.#missing = missing;
    this.#post = post;
  }

  onVote(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#post = undefined;
  }

  hedge(): void {
    this.#post?.();
    this.#post = undefined;
  }
}
