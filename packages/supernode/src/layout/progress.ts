import type { Layout, Targets } from "@quorumfs/core";
import type { LayoutChange } from "@quorumfs/proto";
import { type Change, changeStateToWire, isUnderWay } from "./change.js";
import { remainingIn } from "./next-step.js";

/** More would hide what matters; whoever clears the first ones sees the others. */
const obstaclesMax = 10;

/** A change as people see it. */
export function changeToWire(
  change: Change,
  now: {
    readonly layout: Layout | undefined;
    readonly targets: Targets | undefined;
    /** Undefined: not known. */
    readonly remainingMs: number | undefined;
    readonly obstacles: readonly string[];
  },
): LayoutChange {
  const { layout, targets, obstacles } = now;
  const live = isUnderWay(change) && layout && targets;
  const left = live ? remainingIn(layout, targets) : change.movesTotal - change.movesDone;
  const more = obstacles.length - obstaclesMax;
  return {
    id: change.id,
    state: changeStateToWire[change.state],
    reason: change.reason,
    startedAtMs: change.startedAtMs,
    endedAtMs: change.endedAtMs,
    firstLayout: change.firstLayout,
    lastLayout: change.lastLayout,
    movesTotal: change.movesTotal,
    movesDone: Math.max(0, change.movesTotal - left),
    moving: live ? layout.partitions.filter(({ joining }) => joining.length > 0).length : 0,
    bytesTotal: change.bytesTotal,
    remainingMs: live ? Math.round(now.remainingMs ?? 0) : 0,
    obstacles: [...obstacles.slice(0, obstaclesMax), ...(more > 0 ? [`and ${more} more`] : [])],
  };
}
