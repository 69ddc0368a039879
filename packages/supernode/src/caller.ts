import { type CallContext, QuorumError } from "@quorumfs/core";

/**
 * A node of another cluster that has lost its way is told so. Clients say nothing of a cluster and are welcome.
 *
 * @throws QuorumError `permission_denied`
 */
export function checkCallersCluster(call: CallContext, clusterId: string): void {
  const claimed = call.identity.get("quorumfs-cluster");
  if (claimed === undefined || claimed === "" || claimed === clusterId) return;
  throw new QuorumError({
    code: "permission_denied",
    message: `this is cluster ${clusterId}, and the caller belongs to ${JSON.stringify(claimed.slice(0, 80))}`,
    details: { storeFault: "foreign" },
  });
}
