import type { Clock } from "@quorumfs/core";
import type { Holdings } from "../handover/holdings.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import type { ClusterStore } from "./cluster-store.js";
import type { LocalNode } from "./local-node.js";

// A new layout takes milliseconds to all nodes that are connected. Whoever asks gives up a vote after a second.
const newerLayoutWaitMs = 500;

/** The cluster as this node's replica sees it: always the newest view. */
export function replicaContext(options: {
  readonly self: LocalNode;
  readonly store: ClusterStore;
  readonly holdings: Pick<Holdings, "holds" | "holdsAll">;
  readonly clock: Clock;
  /** Asks the SuperNode for a newer view; never throws. */
  readonly refresh: () => Promise<void>;
}): ReplicaContext {
  const { self, store, holdings, clock, refresh } = options;
  return {
    get clusterId() {
      return self.member?.clusterId;
    },
    get self() {
      return self.member?.nodeId;
    },
    layout: () => store.view.layout,
    bucket: (id) => {
      const bucket = store.view.buckets.get(id);
      // Made a moment ago, as a rule: the coordinator has heard of it first.
      if (!bucket) void refresh();
      return bucket;
    },
    isMember: (node) => store.view.hasNode(node),
    wasMember: (node) => store.view.hasHadNode(node),
    holds: (partition) => holdings.holds(partition),
    get holdsAll() {
      return holdings.holdsAll;
    },
    newerLayout: (isThere) => {
      if (isThere()) return Promise.resolve(true);
      return new Promise((resolve) => {
        const end = (): void => {
          cancel();
          unsubscribe();
          resolve(isThere());
        };
        const cancel = clock.after(newerLayoutWaitMs, end);
        const unsubscribe = store.onInstalled(() => {
          if (isThere()) end();
        });
        void refresh();
      });
    },
  };
}
