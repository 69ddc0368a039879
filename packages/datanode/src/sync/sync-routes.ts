import { type Route, serverStreamRoute, unaryRoute } from "@quorumfs/core";
import { SyncServiceService } from "@quorumfs/proto";
import { votingCaller } from "../replica/caller.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { answerComparison, type ComparisonSource } from "./compare-digests.js";
import type { PartitionGate } from "./partition-gate.js";
import type { RecordSource } from "./record-source.js";

export interface SyncRoutesOptions {
  readonly context: ReplicaContext;
  readonly gate: PartitionGate;
  readonly digests: ComparisonSource;
  readonly records: RecordSource;
}

/** SyncService: CompareDigests, PullRecords. */
export function syncRoutes({ context, gate, digests, records }: SyncRoutesOptions): readonly Route[] {
  return [
    unaryRoute(SyncServiceService.compareDigests, (request, call) => {
      votingCaller(call, context);
      return answerComparison(request, { digests, gate });
    }),
    serverStreamRoute(SyncServiceService.pullRecords, (request, call) => {
      votingCaller(call, context);
      return records.pull(request, call.signal);
    }),
  ];
}
