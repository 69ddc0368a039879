import type { PartitionAssignment } from "@quorumfs/core";
import type { EventQueue } from "./event-queue.js";
import type { Prng } from "./prng.js";

/** The rules by which a node follows layouts. A mutation test takes one out. */
export interface LayoutRules {
  /** A layout is acted on once it is on the disk; otherwise a crash may bring an older one back. */
  readonly followsWhenDurable: boolean;
}

export const layoutRules: LayoutRules = { followsWhenDurable: true };

export interface FollowedLayoutOptions {
  readonly first: PartitionAssignment;
  readonly rules: LayoutRules;
  readonly queue: EventQueue;
  readonly prng: Prng;
  readonly syncMs: number;
  /** Asks the SuperNode for the newest; what comes of it is offered. */
  readonly ask: () => void;
}

/** The layout of the one partition that a node follows: the newest that it has heard of and has on its disk. */
export class FollowedLayout {
  readonly #options: FollowedLayoutOptions;
  #view: PartitionAssignment;
  #durable: PartitionAssignment;
  /** Highest number that is on its way to the disk or there. */
  #newest: number;
  readonly #listeners: (() => void)[] = [];
  #waiting: { readonly layout: number; readonly then: () => void }[] = [];
  /** Counts crashes, so that nothing of a former life happens in the next. */
  #life = 0;

  constructor(options: FollowedLayoutOptions) {
    this.#options = options;
    this.#view = options.first;
    this.#durable = options.first;
    this.#newest = options.first.layout;
  }

  get view(): PartitionAssignment {
    return this.#view;
  }

  onFollowed(listener: () => void): void {
    this.#listeners.push(listener);
  }

  offer(view: PartitionAssignment): void {
    if (view.layout <= this.#newest) return;
    this.#newest = view.layout;
    const { rules, queue, prng, syncMs } = this.#options;
    const life = this.#life;
    if (!rules.followsWhenDurable) this.#follow(view);
    queue.after(syncMs * prng.fraction(), () => {
      if (life !== this.#life) return;
      if (view.layout > this.#durable.layout) this.#durable = view;
      this.#follow(view);
    });
  }

  #follow(view: PartitionAssignment): void {
    if (view.layout <= this.#view.layout) return;
    this.#view = view;
    for (const listener of this.#listeners) listener();
    const ready = this.#waiting.filter(({ layout }) => layout <= view.layout);
    this.#waiting = this.#waiting.filter(({ layout }) => layout > view.layout);
    for (const { then } of ready) then();
  }

  /** Asks for a layout of at least this number; exactly one of the two is called. */
  await(layout: number, waitMs: number, then: () => void, inVain: () => void): void {
    if (this.#view.layout >= layout) {
      then();
      return;
    }
    const waiter = { layout, then };
    this.#waiting.push(waiter);
    this.#options.queue.after(waitMs, () => {
      const index = this.#waiting.indexOf(waiter);
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      inVain();
    });
    this.#options.ask();
  }

  crash(): void {
    this.#life += 1;
    this.#view = this.#durable;
    this.#newest = this.#durable.layout;
  }
}
