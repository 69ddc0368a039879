/** Who gives its share away and has nothing left: pure. */
import type { Layout, NodeId, Targets } from "@quorumfs/core";
import type { Load } from "@quorumfs/proto";
import type { Member } from "../cluster/member.js";
import type { Health } from "../membership/membership.js";

export interface DepartureView {
  readonly layout: Layout;
  readonly targets: Targets | undefined;
  readonly members: readonly Member[];
  readonly healthOf: (id: NodeId) => Health;
  readonly loadOf: (id: NodeId) => Load | undefined;
  readonly hasLearned: (id: NodeId, layout: number) => boolean;
}

export interface Departures {
  /** Nothing is left to them: they may leave. */
  readonly ready: readonly Member[];
  /** Are in no partition any more, and still have something that others may need. */
  readonly pending: readonly { readonly member: Member; readonly obstacle: string }[];
}

/**
 * A node that has been taken out of its last partition keeps its chunks until their new holders say that they have them
 * all. So it is asked whether it still has any, in a beat that follows the layout which took it out. Who is lost is not
 * waited for.
 */
export function departures(view: DepartureView): Departures {
  const { layout, targets = [], members } = view;
  const holders = new Set<NodeId>(targets.flat());
  for (const { nodes, joining } of layout.partitions) for (const node of [...nodes, ...joining]) holders.add(node);
  const ready: Member[] = [];
  const pending: { member: Member; obstacle: string }[] = [];
  for (const member of members) {
    if (member.role === "active" || holders.has(member.id)) continue;
    const obstacle = member.role === "lost" ? undefined : obstacleOf(view, member);
    if (obstacle === undefined) ready.push(member);
    else pending.push({ member, obstacle });
  }
  return { ready, pending };
}

function obstacleOf({ layout, healthOf, loadOf, hasLearned }: DepartureView, { id }: Member): string | undefined {
  if (healthOf(id) === "down") {
    return (
      `DataNode ${id} is down, and may have chunks that nobody else has yet: it goes when it is back and has handed them ` +
      "over, or when it is declared lost"
    );
  }
  if (!hasLearned(id, layout.number)) return `DataNode ${id} has not heard of the newest layout yet`;
  const left = loadOf(id)?.sync?.leavingPartitions;
  if (left === 0) return undefined;
  return left === undefined
    ? `DataNode ${id} has not said what it still holds`
    : `DataNode ${id} still holds something of ${left} ${left === 1 ? "partition" : "partitions"} for others to fetch`;
}
