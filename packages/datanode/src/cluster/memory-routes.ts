import { QuorumError, type Route, unaryRoute } from "@quorumfs/core";
import { MaintenanceServiceService } from "@quorumfs/proto";
import type { ClusterStore } from "./cluster-store.js";
import type { Identity } from "./identity.js";
import type { LocalNode } from "./local-node.js";

export interface MemoryRoutesOptions {
  readonly storeId: Identity["storeId"];
  readonly self: LocalNode;
  readonly store: ClusterStore;
}

/** MaintenanceService: GetMemory. Answered to anybody, and always: who asks has lost what would let him introduce himself. */
export function memoryRoutes({ storeId, self, store }: MemoryRoutesOptions): readonly Route[] {
  return [
    unaryRoute(MaintenanceServiceService.getMemory, async () => {
      const { cluster } = store;
      if (!cluster || !self.member) {
        throw new QuorumError({ code: "unavailable", message: "this DataNode has not been in a cluster yet" });
      }
      const { clusterId, nodeId } = self.member;
      return { clusterId, nodeId, storeId, incarnation: self.incarnation, cluster };
    }),
  ];
}
