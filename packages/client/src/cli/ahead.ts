/**
 * Lets a source run ahead of whoever takes from it: a directory is looked through while its files are being sent.
 *
 * @param max how many items may wait
 */
export async function* ahead<T>(source: AsyncIterable<T>, max: number): AsyncGenerator<T, void, undefined> {
  const waiting: T[] = [];
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wakeTaker: (() => void) | undefined;
  let wakeSource: (() => void) | undefined;
  let left = false;

  const run = async (): Promise<void> => {
    try {
      for await (const item of source) {
        waiting.push(item);
        wakeTaker?.();
        if (waiting.length >= max && !left) await new Promise<void>((resolve) => (wakeSource = resolve));
        if (left) return;
      }
    } catch (error) {
      failure = { error };
    } finally {
      ended = true;
      wakeTaker?.();
    }
  };

  const running = run();
  try {
    for (;;) {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        wakeSource?.();
        yield item;
      }
      if (failure) throw failure.error;
      if (ended) return;
      await new Promise<void>((resolve) => (wakeTaker = resolve));
    }
  } finally {
    left = true;
    wakeSource?.();
    await running;
  }
}
