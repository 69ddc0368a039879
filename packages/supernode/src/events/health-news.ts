/**
 * Tells people who is there and who is not. They are told each thing once: what they were told last is durable, so a
 * SuperNode that starts anew does not tell all of it again, and tells what happened while it was away.
 */
import type { Clock, NodeId } from "@quorumfs/core";
import type { ClusterState } from "../cluster/cluster-state.js";
import type { Member } from "../cluster/member.js";
import type { Health } from "../membership/membership.js";
import type { EventLog } from "./event-log.js";

export interface HealthNewsOptions {
  readonly state: ClusterState;
  readonly events: EventLog;
  readonly clock: Clock;
}

export class HealthNews {
  readonly #options: HealthNewsOptions;
  /** When nodes went away, by the clock; those of which it is not known are left out. */
  readonly #awaySinceMs = new Map<NodeId, number>();

  constructor(options: HealthNewsOptions) {
    this.#options = options;
  }

  /** A process of this node has joined that was not known before. */
  started(node: NodeId, how: "new" | "restarted"): void {
    const { state, events } = this.#options;
    const member = state.member(node);
    if (!member) return;
    const { address, zone, incarnation } = member;
    const fields = { address, zone, incarnation };
    if (how === "new") events.notice("node.joined", `${nameOf(member)} has joined the cluster`, { node, fields });
    else events.notice("node.back", `${nameOf(member)} has started anew`, { node, fields });
    this.#awaySinceMs.delete(node);
    if (events.toldHealth(node) !== "up") events.tellHealth(node, "up");
  }

  /** A node's health has become this, or is found to be this. */
  heardOf(node: NodeId, health: Health): void {
    const { state, events, clock } = this.#options;
    const member = state.member(node);
    const told = events.toldHealth(node);
    if (!member || told === health) return;
    const awaySinceMs = this.#awaySinceMs.get(node);
    if (health === "up") this.#awaySinceMs.delete(node);
    else if (awaySinceMs === undefined) this.#awaySinceMs.set(node, clock.nowMs());
    const { address, zone } = member;
    switch (health) {
      case "up": {
        const awayMs = awaySinceMs === undefined ? undefined : Math.round(clock.nowMs() - awaySinceMs);
        const fields = { address, zone, ...(awayMs !== undefined && { away_ms: awayMs }) };
        const after = awayMs === undefined ? "" : ` after ${(awayMs / 1000).toFixed(1)} s`;
        events.notice("node.back", `${nameOf(member)} is heard again${after}`, { node, fields });
        break;
      }
      case "suspect":
        // Who was down and begins to be heard is suspect for no reason that anybody needs to know.
        if (told === "down") return;
        events.notice("node.suspected", `${nameOf(member)} has missed heartbeats`, { node, fields: { address, zone } });
        break;
      case "down":
        events.notice("node.down", `${nameOf(member)} is not heard any more`, { node, fields: { address, zone } });
        break;
    }
    events.tellHealth(node, health);
  }
}

function nameOf({ id, address }: Member): string {
  return `DataNode ${id} (${address})`;
}
