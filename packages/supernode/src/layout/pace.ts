/** How long a change takes: by the pace of what has moved, else by a careful guess. Pure. */
import type { NodeTransfer } from "@quorumfs/proto";
import { type Change } from "./change.js";
import { batchPartitionsMax } from "./next-step.js";

/** Bytes that come to one DataNode in a second while it serves clients: a guess on the slow side, until there is a pace. */
const guessedBytesPerSecond = 25 * 2 ** 20;

/** A batch, however little is in it: publish, look through all records, report, publish. */
const batchMs = 3000;

/** Less than that says more about the rounds than about the bytes. */
const tellingBytes = 64 * 2 ** 20;

/** Before anything has moved. */
export function estimateMs(
  plan: { readonly moves: { readonly length: number }; readonly transfers: readonly NodeTransfer[] },
  earlier: readonly Change[],
): number {
  if (plan.moves.length === 0) return 0;
  const batches = Math.ceil(plan.moves.length / batchPartitionsMax);
  const bytes = plan.transfers.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  const most = Math.max(0, ...plan.transfers.map(({ bytesIn }) => bytesIn));
  const told = earlier.findLast(({ state, bytesTotal }) => state === "done" && bytesTotal >= tellingBytes);
  const copyMs = told
    ? (bytes / told.bytesTotal) * (told.endedAtMs - told.startedAtMs)
    : (most / guessedBytesPerSecond) * 1000;
  return batches * batchMs + copyMs;
}

/** While a change is under way: what it has done since it was looked at first, and how long that took. */
export class Pace {
  #since: { readonly change: number; readonly nowMs: number; readonly remaining: number } | undefined;

  /** @returns milliseconds left; undefined while nothing has moved yet */
  remainingMs(progress: {
    readonly change: number;
    readonly nowMs: number;
    readonly remaining: number;
  }): number | undefined {
    const { change, nowMs, remaining } = progress;
    if (this.#since?.change !== change || remaining > this.#since.remaining) this.#since = progress;
    const done = this.#since.remaining - remaining;
    if (done <= 0) return undefined;
    return ((nowMs - this.#since.nowMs) / done) * remaining;
  }
}
