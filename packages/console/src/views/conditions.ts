import type { ClusterStatus, NodeInfo } from "@quorumfs/client";
import type { Condition, ConditionLevel } from "../api.js";

/** What there is to say of a cluster, worst first. */
export function conditionsOf(status: ClusterStatus): readonly Condition[] {
  const { ready, nodes, change } = status;
  const ofNodes = nodes.flatMap(nodeConditions);
  const obstacles = (change?.obstacles ?? []).map((text): Condition => ({ level: "warning", text }));
  const level = ready ? (isQuiet(status) && ofNodes.length === 0 ? "good" : "info") : "error";
  const whole: Condition = { level, text: sentence(status.condition) };
  return [whole, ...ofNodes, ...obstacles].sort((a, b) => badness[b.level] - badness[a.level]);
}

const badness: Readonly<Record<ConditionLevel, number>> = { error: 3, warning: 2, info: 1, good: 0 };

function isQuiet({ condition, change }: ClusterStatus): boolean {
  return condition === "ready" && change === undefined;
}

function nodeConditions(node: NodeInfo): readonly Condition[] {
  const { id, state, role, load } = node;
  const found: Condition[] = [];
  const say = (level: ConditionLevel, text: string): void => void found.push({ level, text, node: id });
  if (state === "down" && role !== "lost") say("error", `DataNode ${id} at ${node.address} is down.`);
  if (state === "suspect") say("warning", `DataNode ${id} at ${node.address} has missed heartbeats.`);
  if (!load || state === "down") return found;
  const { sync } = load;
  const damaged = damagedOf(load.damage);
  if (load.full) say("error", `DataNode ${id} is full: it takes no new content. Give it room, or add DataNodes.`);
  if (damaged > 0)
    say(
      "error",
      `DataNode ${id} has ${damaged} damaged ${damaged === 1 ? "piece" : "pieces"} that are not repaired yet.`,
    );
  if (sync?.state === "catching_up") {
    say(
      "warning",
      `DataNode ${id} is ${sync.behindRecords} files and ${sync.behindChunks} chunks behind the other replicas, and catches up.`,
    );
  }
  if (sync?.obstacle !== undefined) say("warning", sentence(`DataNode ${id}: ${sync.obstacle}`));
  return found;
}

/** Found, and not known to be put right. */
export function damagedOf(damage: NonNullable<NodeInfo["load"]>["damage"]): number {
  const { recordsDamaged, recordsRepaired, chunksDamaged, chunksRepaired } = damage;
  return Math.max(0, recordsDamaged - recordsRepaired) + Math.max(0, chunksDamaged - chunksRepaired);
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
