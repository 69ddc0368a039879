import type { CancelSignal, Clock } from "@quorumfs/core";
import type { WatchLayoutChangeResponse } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { isUnderWay } from "./change.js";
import type { LayoutDriver } from "./layout-driver.js";

const everyMs = 1000;

export interface WatchChangeOptions {
  readonly state: ClusterState;
  readonly driver: LayoutDriver;
  readonly clock: Clock;
  /** Any of them ends the watch. */
  readonly signals: readonly CancelSignal[];
}

/**
 * The change that is under way, now and each second, and once more when it has ended; or else the last one that there was.
 * Nothing is queued: what goes out is made when the watcher is ready for it.
 */
export async function* watchChange(options: WatchChangeOptions): AsyncGenerator<WatchLayoutChangeResponse> {
  const { state, driver, clock, signals } = options;
  const watched = (state.change ?? state.changes.at(-1))?.id;
  const isOver = (): boolean => signals.some((signal) => signal.aborted);
  while (!isOver()) {
    const change = state.changes.find(({ id }) => id === watched);
    if (!change) return;
    yield { change: driver.describe(change) };
    if (!isUnderWay(change)) return;
    await pause(clock, signals);
  }
}

function pause(clock: Clock, signals: readonly CancelSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      for (const signal of signals) signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(everyMs, end);
    for (const signal of signals) signal.addEventListener("abort", end, { once: true });
    if (signals.some((signal) => signal.aborted)) end();
  });
}
