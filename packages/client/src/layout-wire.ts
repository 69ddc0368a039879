/** Between the messages about the layout and the SDK's types. */
import {
  type GetLayoutResponse,
  type LayoutChange as WireChange,
  LayoutChangeState as WireState,
  type LayoutPlan as WirePlan,
  type NodeChange as WireNodeChange,
  NodeRole as WireRole,
} from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import type {
  LayoutChange,
  LayoutChangeState,
  LayoutInfo,
  LayoutPlan,
  NodeChange,
  NodeRole,
  NodeShare,
} from "./layout-info.js";

const rolesToWire: Readonly<Record<NodeRole, WireRole>> = {
  active: WireRole.NODE_ROLE_ACTIVE,
  draining: WireRole.NODE_ROLE_DRAINING,
  leaving: WireRole.NODE_ROLE_LEAVING,
  lost: WireRole.NODE_ROLE_LOST,
};

export function fromNodeChange({ node, role, replacedBy = 0 }: NodeChange): WireNodeChange {
  return { node, role: rolesToWire[role], replacedBy };
}

export function toRole(role: WireRole): NodeRole {
  switch (role) {
    case WireRole.NODE_ROLE_DRAINING:
      return "draining";
    case WireRole.NODE_ROLE_LEAVING:
      return "leaving";
    case WireRole.NODE_ROLE_LOST:
      return "lost";
    case WireRole.NODE_ROLE_ACTIVE:
    case WireRole.NODE_ROLE_UNSPECIFIED:
    case WireRole.UNRECOGNIZED:
      return "active";
  }
}

export function toLayoutInfo({ number, shares, change }: GetLayoutResponse): LayoutInfo {
  return {
    number: number === 0 ? undefined : number,
    shares: shares.toSorted((a, b) => a.node - b.node),
    unevenness: unevennessOf(shares),
    change: change && toLayoutChange(change),
  };
}

function unevennessOf(shares: readonly NodeShare[]): number {
  const entitled = shares.filter(({ idealPartitions }) => idealPartitions > 0);
  const differences = entitled.map(
    ({ partitions, idealPartitions }) => Math.abs(partitions - idealPartitions) / idealPartitions,
  );
  return Math.max(0, ...differences);
}

export function toLayoutPlan(plan: WirePlan): LayoutPlan {
  return {
    ...plan,
    moves: plan.moves.toSorted((a, b) => a.partition - b.partition),
    transfers: plan.transfers.toSorted((a, b) => a.node - b.node),
  };
}

export function toLayoutChange(change: WireChange): LayoutChange {
  return {
    id: change.id,
    state: toState(change.state),
    reason: change.reason,
    startedAt: wallDate(change.startedAtMs),
    endedAt: change.endedAtMs === 0 ? undefined : wallDate(change.endedAtMs),
    firstLayout: change.firstLayout,
    lastLayout: change.lastLayout,
    movesTotal: change.movesTotal,
    movesDone: change.movesDone,
    moving: change.moving,
    bytesTotal: change.bytesTotal,
    remainingMs: change.remainingMs === 0 ? undefined : change.remainingMs,
    obstacles: change.obstacles,
  };
}

function toState(state: WireState): LayoutChangeState {
  switch (state) {
    case WireState.LAYOUT_CHANGE_STATE_STOPPING:
      return "stopping";
    case WireState.LAYOUT_CHANGE_STATE_STOPPED:
      return "stopped";
    case WireState.LAYOUT_CHANGE_STATE_DONE:
      return "done";
    case WireState.LAYOUT_CHANGE_STATE_SUPERSEDED:
      return "superseded";
    case WireState.LAYOUT_CHANGE_STATE_MOVING:
    case WireState.LAYOUT_CHANGE_STATE_UNSPECIFIED:
    case WireState.UNRECOGNIZED:
      return "moving";
  }
}
