/** How the layout and its changes read for people. */
import { formatBytes } from "@quorumfs/runtime/lean";
import type { NodeInfo } from "../../cluster-info.js";
import type { LayoutChange, LayoutInfo, LayoutPlan } from "../../layout-info.js";
import { durationText } from "../progress-line.js";
import { tableText } from "../table.js";
import { nodesText, timeText } from "../wording.js";

/** Who holds how much, how even that is, and what is being changed. */
export function layoutText(layout: LayoutInfo, nodes: readonly NodeInfo[]): string {
  if (layout.number === undefined) return "the cluster is forming: there is no layout yet";
  const table = tableText(
    ["NODE", "ZONE", "STATE", "ROLE", "PARTITIONS", "PREFERRED", "SHARE", "OFF BY", "RECORDS", "STORED"],
    layout.shares.map(({ node, partitions, preferred, idealPartitions }) => {
      const known = nodes.find(({ id }) => id === node);
      return [
        node,
        known?.zone || "-",
        known?.state ?? "-",
        known?.role ?? "-",
        partitions,
        preferred,
        idealPartitions.toFixed(1),
        idealPartitions === 0 ? "-" : percentText((partitions - idealPartitions) / idealPartitions),
        known?.load?.records ?? "-",
        known?.load ? formatBytes(known.load.chunkBytes) : "-",
      ];
    }),
  );
  return [`layout ${layout.number}, ${evennessText(layout.unevenness)}`, changeText(layout.change), "", table].join(
    "\n",
  );
}

function evennessText(unevenness: number): string {
  return `every node within ${percentText(unevenness)} of its share`;
}

/** `1.2 %` */
function percentText(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}

/** What a change would do. */
export function planText(plan: LayoutPlan, nodes: readonly NodeInfo[]): string {
  const { moves, transfers, unevennessBefore, unevennessAfter, estimatedMs, warnings } = plan;
  const warned = warnings.map((warning) => `warning: ${warning}`);
  if (moves.length === 0) return ["nothing has to move", ...warned].join("\n");
  const bytes = transfers.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  const facts = [
    `${countText(moves.length, "partition")} to move, about ${formatBytes(bytes)} in about ${durationText(estimatedMs / 1000)}`,
    `now ${evennessText(unevennessBefore)}, then within ${percentText(unevennessAfter)}`,
  ];
  const table = tableText(
    ["NODE", "ZONE", "STATE", "PARTITIONS", "THEN", "IN", "OUT"],
    transfers.map(({ node, partitionsBefore, partitionsAfter, bytesIn, bytesOut }) => {
      const known = nodes.find(({ id }) => id === node);
      return [
        node,
        known?.zone || "-",
        known?.state ?? "-",
        partitionsBefore,
        partitionsAfter,
        bytesIn === 0 ? "-" : formatBytes(bytesIn),
        bytesOut === 0 ? "-" : formatBytes(bytesOut),
      ];
    }),
  );
  return [...facts, "", table, ...(warned.length === 0 ? [] : ["", ...warned])].join("\n");
}

/** The change that is under way, or that there is none. */
export function changeText(change: LayoutChange | undefined): string {
  if (!change) return "no change is under way";
  return [`${changeLine(change)}`, ...change.obstacles.map((obstacle) => `  ${obstacle}`)].join("\n");
}

/** `change 3, moving (node 4 joins): 12 of 341 partitions, 20 s left` */
function changeLine({ id, state, reason, movesDone, movesTotal, remainingMs }: LayoutChange): string {
  const left = remainingMs === undefined ? "" : `, ${durationText(remainingMs / 1000)} left`;
  return `change ${id}, ${state} (${reason}): ${movesDone} of ${countText(movesTotal, "partition")}${left}`;
}

/** How a change has ended. */
export function endText(change: LayoutChange): string {
  const { id, movesDone, movesTotal, lastLayout, startedAt, endedAt } = change;
  const took = endedAt ? ` in ${durationText(Math.max(0, endedAt.getTime() - startedAt.getTime()) / 1000)}` : "";
  const moved = `${movesDone} of ${countText(movesTotal, "partition")} moved${took}; this is layout ${lastLayout} now`;
  switch (change.state) {
    case "moving":
    case "stopping":
      return changeLine(change);
    case "done":
      return `done: ${moved}`;
    case "stopped":
      return `change ${id} was stopped: ${moved}; quorumfs layout apply goes on with the rest`;
    case "superseded":
      return `another change took the place of change ${id}: ${moved}; see quorumfs layout show`;
  }
}

export function historyText(changes: readonly LayoutChange[]): string {
  if (changes.length === 0) return "the layout has not been changed yet";
  return tableText(
    ["CHANGE", "STATE", "BEGAN", "TOOK", "MOVED", "LAYOUTS", "REASON"],
    changes.map(({ id, state, startedAt, endedAt, movesDone, movesTotal, firstLayout, lastLayout, reason }) => [
      id,
      state,
      timeText(startedAt),
      endedAt ? durationText(Math.max(0, endedAt.getTime() - startedAt.getTime()) / 1000) : "-",
      `${movesDone} of ${movesTotal}`,
      `${firstLayout} to ${lastLayout}`,
      reason,
    ]),
  );
}

/** Partitions of a plan one by one, for who wants to know. */
export function movesText(plan: LayoutPlan): string {
  return tableText(
    ["PARTITION", "FROM", "TO"],
    plan.moves.map(({ partition, from, to }) => [partition, nodesText(from), nodesText(to)]),
  );
}

function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
