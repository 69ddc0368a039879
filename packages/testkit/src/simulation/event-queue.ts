import { assert } from "@quorumfs/core";

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** Virtual time: a heap of things to happen; at one instant, in the order in which they were scheduled. */
export class EventQueue {
  readonly #heap: Entry[] = [];
  #order = 0;
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  after(delayMs: number, action: () => void): void {
    assert(delayMs >= 0, "nothing happens in the past");
    const heap = this.#heap;
    const entry: Entry = { atMs: this.#nowMs + delayMs, order: this.#order++, action };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || before(parent, entry)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  /** Lets the next thing happen; false if there is none up to `untilMs`. */
  step(untilMs = Infinity): boolean {
    const first = this.#heap[0];
    if (!first || first.atMs > untilMs) return false;
    this.#removeFirst();
    this.#nowMs = first.atMs;
    first.action();
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const leftEntry = heap[left];
      if (!leftEntry) break;
      const rightEntry = heap[left + 1];
      const useRight = rightEntry !== undefined && before(rightEntry, leftEntry);
      const child = useRight ? rightEntry : leftEntry;
      if (before(last, child)) break;
      heap[index] = child;
      index = useRight ? left + 1 : left;
    }
    heap[index] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
