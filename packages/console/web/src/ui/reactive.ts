/**
 * Values that tell who has read them when they change, in the least code that does it: a view reads signals in effects, and
 * each effect runs again when one of those it read has another value. Effects belong to the scope in which they were
 * made, so that leaving a view ends all that it started.
 */

export interface Computed<T> {
  get(): T;
  /** The value without being told of later ones. */
  peek(): T;
}

export interface Signal<T> extends Computed<T> {
  set(value: T): void;
}

interface Subscriber {
  readonly sources: Set<Set<Subscriber>>;
  run(): void;
}

let running: Subscriber | undefined;
let owner: (() => void)[] | undefined;
let batchDepth = 0;
const pending = new Set<Subscriber>();

export function signal<T>(initial: T): Signal<T> {
  let value = initial;
  const readers = new Set<Subscriber>();
  return {
    get() {
      if (running) {
        readers.add(running);
        running.sources.add(readers);
      }
      return value;
    },
    peek: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const reader of readers) pending.add(reader);
      if (batchDepth === 0) flush();
    },
  };
}

/** Effects run once after all changes in `change`, instead of after each. */
export function batch(change: () => void): void {
  batchDepth += 1;
  try {
    change();
  } finally {
    batchDepth -= 1;
    if (batchDepth === 0) flush();
  }
}

function flush(): void {
  for (const subscriber of pending) {
    pending.delete(subscriber);
    subscriber.run();
  }
}

/** Runs now, and again when a signal that it read has changed. What it creates in a run is gone before the next. */
export function effect(body: () => void): void {
  let ended = false;
  let endRun: (() => void) | undefined;
  const subscriber: Subscriber = {
    sources: new Set(),
    run() {
      if (ended) return;
      forget(subscriber);
      endRun?.();
      const outer = running;
      running = subscriber;
      try {
        endRun = scope(body);
      } finally {
        running = outer;
      }
    },
  };
  onEnd(() => {
    ended = true;
    pending.delete(subscriber);
    forget(subscriber);
    endRun?.();
  });
  subscriber.run();
}

function forget(subscriber: Subscriber): void {
  for (const readers of subscriber.sources) readers.delete(subscriber);
  subscriber.sources.clear();
}

/** A value made of others; worked out once for all who read it. */
export function computed<T>(compute: () => T): Computed<T> {
  const result = signal(untracked(compute));
  effect(() => result.set(compute()));
  return result;
}

/** Reads signals without being told of their changes. */
export function untracked<T>(read: () => T): T {
  const outer = running;
  running = undefined;
  try {
    return read();
  } finally {
    running = outer;
  }
}

/** @returns ends all effects that `body` made, and runs what it handed to {@link onEnd}. */
export function scope(body: () => void): () => void {
  const outer = owner;
  const mine: (() => void)[] = [];
  owner = mine;
  try {
    body();
  } finally {
    owner = outer;
  }
  return () => {
    for (const end of mine.splice(0).reverse()) untracked(end);
  };
}

/** Has `end` run when the surrounding scope or run of an effect ends. */
export function onEnd(end: () => void): void {
  owner?.push(end);
}
