import { QuorumError } from "@quorumfs/core";
import { isFinalFault } from "./cluster/identity.js";

/**
 * Whether a DataNode did not start because its store will never be of use again, and is not needed either. Set it aside,
 * and start the node with an empty one: it joins as a new node. Never so because of a SuperNode that is another cluster's,
 * or older than what the DataNode knows.
 *
 * @param thrown by `startDataNode`
 */
export function isStoreUseless(thrown: unknown): boolean {
  return thrown instanceof QuorumError && isFinalFault(thrown.details.storeFault);
}
