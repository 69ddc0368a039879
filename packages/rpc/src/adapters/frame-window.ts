import { framesUnderWayMax } from "./limits.js";

/**
 * How many frames a stream has handed to the transport that have not left yet. A writer that holds back while the
 * window is full collects meanwhile, so that frames grow with the load instead of queueing.
 */
export class FrameWindow {
  #underWay = 0;
  #onDrain: (() => void) | undefined;

  /** Counts a frame in; false when the writer should hold back until it is told. */
  enter(): boolean {
    this.#underWay += 1;
    return this.#underWay < framesUnderWayMax;
  }

  get full(): boolean {
    return this.#underWay >= framesUnderWayMax;
  }

  /** To be called when a frame has left. */
  readonly leave = (): void => {
    this.#underWay -= 1;
    if (this.#underWay === framesUnderWayMax - 1) this.#onDrain?.();
  };

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }
}
