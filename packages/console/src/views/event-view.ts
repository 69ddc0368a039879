import type { ClusterEvent } from "@quorumfs/client";
import type { EventView } from "../api.js";

export function eventView({ id, at, kind, severity, node, message, fields }: ClusterEvent): EventView {
  return { id, atMs: at.getTime(), kind, severity, node: node ?? null, message, fields };
}
