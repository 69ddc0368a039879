import { type CallContext, QuorumError } from "@quorumfs/core";
import type { ReplicaContext } from "./replica-context.js";

/** Who calls a replica: a DataNode of this cluster, or its SuperNode. */
export type Caller = { readonly kind: "node"; readonly node: number } | { readonly kind: "supernode" };

/**
 * Votes are taken from members only. What a caller says of itself is not proved until there is TLS; this keeps out what
 * has lost its way, such as a node of another cluster on the same machine.
 *
 * @throws QuorumError `permission_denied`; `unavailable`, as long as this node does not know its own cluster
 */
export function callerOf(call: CallContext, context: ReplicaContext): Caller {
  const { clusterId } = context;
  if (clusterId === undefined) {
    throw new QuorumError({ code: "unavailable", message: "this DataNode has not joined its cluster yet" });
  }
  const cluster = call.identity.get("quorumfs-cluster");
  if (cluster === undefined) throw denied("votes are for DataNodes; clients use FileService");
  if (cluster !== clusterId) throw denied(`this DataNode belongs to cluster ${clusterId}, not to ${cluster}`);
  const text = call.identity.get("quorumfs-node") ?? "";
  if (text === "0") return { kind: "supernode" };
  const node = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  if (node === undefined || !context.isMember(node)) throw denied(`node ${text} is not a member of this cluster`);
  return { kind: "node", node };
}

/** @throws QuorumError `permission_denied`, for the SuperNode: it looks, and does not vote */
export function votingCaller(call: CallContext, context: ReplicaContext): number {
  const caller = callerOf(call, context);
  if (caller.kind === "node") return caller.node;
  throw denied("the SuperNode does not vote");
}

function denied(message: string): QuorumError {
  return new QuorumError({ code: "permission_denied", message });
}
