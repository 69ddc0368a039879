import type { ReplicaContext } from "../replica/replica-context.js";
import type { ClusterStore } from "./cluster-store.js";
import type { LocalNode } from "./local-node.js";

/** The cluster as this node's replica sees it: always the newest view. */
export function replicaContext(options: {
  readonly self: LocalNode;
  readonly store: ClusterStore;
  /** Asks the SuperNode for a newer view; never throws. */
  readonly refresh: () => Promise<void>;
}): ReplicaContext {
  const { self, store, refresh } = options;
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
  };
}
