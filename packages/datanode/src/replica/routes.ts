import type { Clock, Log, Route } from "@quorumfs/core";
import type { LocalReplica } from "./local-replica.js";
import type { ReplicaContext } from "./replica-context.js";

export interface ReplicaRoutesOptions {
  readonly replica: LocalReplica;
  readonly context: ReplicaContext;
  readonly clock: Clock;
  readonly log: Log;
}

/** ReplicaService: Exchange, RangeRead, ScanRecords. */
export function replicaRoutes(_options: ReplicaRoutesOptions): readonly Route[] {
  return [];
}
