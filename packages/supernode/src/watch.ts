import type { CancelSignal, Clock } from "@quorumfs/core";
import type { WatchLayoutResponse } from "@quorumfs/proto";
import type { ClusterState } from "./cluster/cluster-state.js";

export interface WatchOptions {
  readonly state: ClusterState;
  /** What the watcher has already. */
  readonly revision: number;
  readonly loadsEveryMs: number;
  readonly clock: Clock;
  /** Any of them ends the watch. */
  readonly signals: readonly CancelSignal[];
}

/**
 * The cluster whenever it is another one than the watcher has, and loads in between. Nothing is queued: what goes out is
 * made when the watcher is ready for it, so one who reads slowly gets the newest cluster next, and no other.
 */
export async function* watchCluster(options: WatchOptions): AsyncGenerator<WatchLayoutResponse> {
  const { state, loadsEveryMs, clock, signals } = options;
  const isOver = (): boolean => signals.some((signal) => signal.aborted);
  let revision = options.revision;
  let loadsDueMs = clock.nowMs();
  while (!isOver()) {
    if (state.revision !== revision) {
      revision = state.revision;
      yield { update: { $case: "cluster", value: state.cluster } };
    } else if (clock.nowMs() >= loadsDueMs) {
      loadsDueMs = clock.nowMs() + loadsEveryMs;
      const nodes = state.nodes.map(({ id, load }) => ({ node: id, load }));
      yield { update: { $case: "loads", value: { nodes } } };
    } else {
      await sleepUntilNews(options, loadsDueMs);
    }
  }
}

/** Until the cluster changes, loads are due, or the watch is over. */
function sleepUntilNews({ state, clock, signals }: WatchOptions, untilMs: number): Promise<void> {
  const wake = new AbortController();
  const end = (): void => wake.abort();
  const cancel = clock.after(Math.max(1, untilMs - clock.nowMs()), end);
  for (const signal of signals) signal.addEventListener("abort", end, { once: true });
  if (signals.some((signal) => signal.aborted)) end();
  return state.changed.next(wake.signal).finally(() => {
    cancel();
    for (const signal of signals) signal.removeEventListener("abort", end);
  });
}
