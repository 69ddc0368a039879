/** A change of the layout, as it is kept: what it is for, how far it is, where everything is to go. */
import { type NodeId, nodeId, type Targets } from "@quorumfs/core";
import { LayoutChangeState } from "@quorumfs/proto";
import { StoredRow } from "../cluster/stored-row.js";

export const changeStates = ["moving", "stopping", "stopped", "done", "superseded"] as const;
export type ChangeState = (typeof changeStates)[number];

export interface Change {
  /** Counts the changes of this cluster. */
  readonly id: number;
  readonly state: ChangeState;
  /** One sentence. */
  readonly reason: string;
  /** The SuperNode began it by itself, since DataNodes are away. */
  readonly automatic: boolean;
  /** DataNodes that are to hold nothing because they are away, whatever their role. */
  readonly without: readonly NodeId[];
  readonly startedAtMs: number;
  /** 0: not yet. */
  readonly endedAtMs: number;
  readonly firstLayout: number;
  readonly lastLayout: number;
  /** Partitions that get another set of DataNodes. */
  readonly movesTotal: number;
  /** Counted when it ends; until then see what the layout says. */
  readonly movesDone: number;
  /** Estimated, of all moves. */
  readonly bytesTotal: number;
}

/** Changes that are remembered, for people; the oldest go. */
export const changesKept = 100;

export function isUnderWay({ state }: Change): boolean {
  return state === "moving" || state === "stopping";
}

export function encodeChange(change: Change): Uint8Array {
  return Buffer.from(JSON.stringify(change));
}

/** @throws QuorumError `corrupt` */
export function decodeChange(bytes: Uint8Array): Change {
  const row = new StoredRow("a change of the layout", bytes);
  return {
    id: row.count("id"),
    state: row.oneOf("state", changeStates),
    reason: row.text("reason"),
    automatic: row.flag("automatic"),
    without: row.counts("without").map(nodeId),
    startedAtMs: row.count("startedAtMs"),
    endedAtMs: row.count("endedAtMs"),
    firstLayout: row.count("firstLayout"),
    lastLayout: row.count("lastLayout"),
    movesTotal: row.count("movesTotal"),
    movesDone: row.count("movesDone"),
    bytesTotal: row.count("bytesTotal"),
  };
}

export function encodeTargets(targets: Targets): Uint8Array {
  return Buffer.from(JSON.stringify({ targets }));
}

/** @throws QuorumError `corrupt` */
export function decodeTargets(bytes: Uint8Array): Targets {
  return new StoredRow("the wanted layout", bytes).countLists("targets").map((nodes) => nodes.map(nodeId));
}

export const changeStateToWire: Readonly<Record<ChangeState, LayoutChangeState>> = {
  moving: LayoutChangeState.LAYOUT_CHANGE_STATE_MOVING,
  stopping: LayoutChangeState.LAYOUT_CHANGE_STATE_STOPPING,
  stopped: LayoutChangeState.LAYOUT_CHANGE_STATE_STOPPED,
  done: LayoutChangeState.LAYOUT_CHANGE_STATE_DONE,
  superseded: LayoutChangeState.LAYOUT_CHANGE_STATE_SUPERSEDED,
};
