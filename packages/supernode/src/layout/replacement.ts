/**
 * What the SuperNode does by itself when DataNodes stay away: pure. Who has been down for long enough is planned out of
 * the layout, if enough others live; who is down and whose address a new, empty DataNode has come to is replaced by that
 * one at once. Neither is taken for lost: when they come back they are members, and what they have promised holds.
 */
import { destinations, type Layout, type NodeId, type Targets } from "@quorumfs/core";
import type { Member } from "../cluster/member.js";
import type { Health } from "../membership/membership.js";
import type { Change } from "./change.js";
import { dataNodes } from "./reason.js";

export interface ReplacementView {
  readonly layout: Layout;
  readonly targets: Targets | undefined;
  readonly change: Change | undefined;
  readonly members: readonly Member[];
  readonly healthOf: (id: NodeId) => Health;
  /** Down for longer than is borne. */
  readonly dead: readonly NodeId[];
  /** Somebody wants it to be left where it is. */
  readonly isLeftAlone: (id: NodeId) => boolean;
  /** In words: `15 minutes`. */
  readonly deadAfter: string;
}

export type Replacement =
  | { readonly kind: "none" }
  | { readonly kind: "too-few"; readonly reason: string }
  /** Nothing new is to be moved away from nodes that are back. */
  | { readonly kind: "stop"; readonly reason: string }
  | {
      readonly kind: "replan";
      readonly reason: string;
      readonly without: readonly NodeId[];
      readonly replacements: ReadonlyMap<NodeId, NodeId>;
      /** Undefined: from where everything is. */
      readonly from: Targets | undefined;
      readonly automatic: boolean;
    };

export function replacementDue(view: ReplacementView): Replacement {
  const { layout, change, members, healthOf } = view;
  const isMoving = change?.state === "moving";
  const from = isMoving ? view.targets : undefined;
  const wanted = new Set((from ?? destinations(layout)).flat());
  const away = change?.without.filter((id) => healthOf(id) === "down") ?? [];
  const back = change?.without.filter((id) => healthOf(id) === "up") ?? [];

  const displaced = members.filter(
    ({ id, displacedBy }) => displacedBy !== 0 && wanted.has(id) && healthOf(id) === "down" && !view.isLeftAlone(id),
  );
  const replacements = new Map(displaced.flatMap((member) => successorOf(view, member)));
  const dead = view.dead.filter((id) => wanted.has(id) && !replacements.has(id));
  const gone = [...dead, ...replacements.keys()];
  if (gone.length > 0) {
    const { replicas } = layout;
    const live = members.filter(({ id, role }) => role === "active" && healthOf(id) === "up");
    if (live.length < replicas) {
      const reason = `${dataNodes(gone)} cannot be replaced: only ${live.length} of the ${replicas} DataNodes that a file needs are up`;
      return { kind: "too-few", reason };
    }
    const reasons = [
      ...(dead.length > 0
        ? [`${dataNodes(dead)} ${dead.length === 1 ? "was" : "were"} down for ${view.deadAfter}`]
        : []),
      ...[...replacements].map(
        ([old, fresh]) => `DataNode ${fresh} came with an empty store to the place of DataNode ${old}`,
      ),
    ];
    return {
      kind: "replan",
      reason: [...(isMoving ? [change.reason] : []), ...reasons].join("; "),
      without: [...away, ...gone],
      replacements,
      from,
      automatic: isMoving ? change.automatic : true,
    };
  }
  if (!isMoving || !change.automatic || back.length === 0) return { kind: "none" };
  const reason = `${change.reason}; ${dataNodes(back)} ${back.length === 1 ? "is" : "are"} back`;
  const isOver = away.length === 0;
  return isOver
    ? { kind: "stop", reason }
    : { kind: "replan", reason, without: away, replacements: new Map(), from: undefined, automatic: true };
}

/** Who has come to the address of a node with an empty store, and can take its places one for one. */
function successorOf({ layout, members, healthOf }: ReplacementView, old: Member): readonly [NodeId, NodeId][] {
  const fresh = members.find(({ id }) => id === old.displacedBy);
  if (!fresh || fresh.role !== "active" || healthOf(fresh.id) !== "up") return [];
  const holds = layout.partitions.some(({ nodes, joining }) => nodes.includes(fresh.id) || joining.includes(fresh.id));
  return holds ? [] : [[old.id, fresh.id]];
}
