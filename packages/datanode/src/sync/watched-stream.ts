import type { CancelSignal, Clock } from "@quorumfs/core";
import { ProgressWatch } from "../chunk/progress-watch.js";

/** Who serves a walk says something every two seconds. */
const silentMsMax = 20_000;

/**
 * What another DataNode sends in answer to one call, message by message. It is given up when nothing comes for 20 s while we
 * wait; the time that the reader takes between messages does not count. Leaving the loop ends the call.
 *
 * @param options.open starts the call; its signal ends it
 * @throws whatever the call does: `cancelled` when it was given up, or by `signal`
 */
export async function* watchedStream<Message>(options: {
  readonly open: (signal: CancelSignal) => AsyncIterable<Message>;
  readonly clock: Clock;
  readonly signal: CancelSignal;
}): AsyncGenerator<Message> {
  const { open, clock, signal } = options;
  const ended = new AbortController();
  const giveUp = (): void => ended.abort();
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  const watch = new ProgressWatch({ clock, limitMs: silentMsMax, onStall: giveUp });
  try {
    watch.wait();
    for await (const message of open(ended.signal)) {
      watch.rest();
      yield message;
      watch.wait();
    }
  } finally {
    watch.end();
    signal.removeEventListener("abort", giveUp);
  }
}
