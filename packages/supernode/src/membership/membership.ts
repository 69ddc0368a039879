/**
 * Which nodes are there, by their beats: pure, driven by the times that it is told.
 *
 * A node is `up` while beats come, `suspect` when they stay away or its stream breaks, and `down` a while later. No safety
 * rests on it: it tells clients where to go first, and people what is wrong.
 */
import type { NodeId } from "@quorumfs/core";

export type Health = "up" | "suspect" | "down";

export interface HealthChange {
  readonly node: NodeId;
  readonly from: Health;
  readonly to: Health;
}

export interface MembershipTimes {
  readonly suspectAfterMs: number;
  readonly downAfterMs: number;
}

interface Pulse {
  health: Health;
  /** When it was heard last; for a node that was never heard, when waiting for it began. */
  heardAtMs: number;
}

export class Membership {
  readonly #times: MembershipTimes;
  readonly #pulses = new Map<NodeId, Pulse>();

  constructor(times: MembershipTimes) {
    this.#times = times;
  }

  /** A node that was a member before this process started: suspect, until it is heard or has stayed away too long. */
  expect(node: NodeId, nowMs: number): void {
    this.#pulses.set(node, { health: "suspect", heardAtMs: nowMs });
  }

  /** The node has joined, or has beaten. */
  heard(node: NodeId, nowMs: number): readonly HealthChange[] {
    const pulse = this.#pulses.get(node);
    if (!pulse) {
      this.#pulses.set(node, { health: "up", heardAtMs: nowMs });
      return [{ node, from: "down", to: "up" }];
    }
    pulse.heardAtMs = nowMs;
    return change(node, pulse, "up");
  }

  /** The node is no member any more. */
  forget(node: NodeId): void {
    this.#pulses.delete(node);
  }

  /** The node's stream has broken: suspect at once, and down no later than without this. */
  lost(node: NodeId): readonly HealthChange[] {
    const pulse = this.#pulses.get(node);
    return pulse?.health === "up" ? change(node, pulse, "suspect") : [];
  }

  /** What the passing of time has made of the nodes. */
  tick(nowMs: number): readonly HealthChange[] {
    const changes: HealthChange[] = [];
    for (const [node, pulse] of this.#pulses) {
      const silentMs = nowMs - pulse.heardAtMs;
      if (silentMs >= this.#times.downAfterMs) changes.push(...change(node, pulse, "down"));
      else if (silentMs >= this.#times.suspectAfterMs && pulse.health === "up") {
        changes.push(...change(node, pulse, "suspect"));
      }
    }
    return changes;
  }

  /** When `tick` may have something to say next; undefined: not before somebody is heard or lost. */
  nextTickMs(): number | undefined {
    let next: number | undefined;
    for (const { health, heardAtMs } of this.#pulses.values()) {
      if (health === "down") continue;
      const dueMs = heardAtMs + (health === "up" ? this.#times.suspectAfterMs : this.#times.downAfterMs);
      next = next === undefined ? dueMs : Math.min(next, dueMs);
    }
    return next;
  }

  /** Time that we slept through ourselves (a paused process) is nobody's silence. */
  excuse(sleptMs: number): void {
    for (const pulse of this.#pulses.values()) pulse.heardAtMs += sleptMs;
  }

  healthOf(node: NodeId): Health {
    return this.#pulses.get(node)?.health ?? "down";
  }
}

function change(node: NodeId, pulse: Pulse, to: Health): readonly HealthChange[] {
  const from = pulse.health;
  if (from === to) return [];
  pulse.health = to;
  return [{ node, from, to }];
}
