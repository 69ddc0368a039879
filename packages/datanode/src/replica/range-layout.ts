import { QuorumError } from "@quorumfs/core";
import type { ReplicaContext } from "./replica-context.js";

/**
 * A page is made of many partitions, and is told under one layout: who asks counts it as a vote on each of them. Resolves when
 * this node follows the asker's.
 *
 * @throws QuorumError `precondition_failed`: this node follows a newer one; `unavailable`: it has not heard of the asker's, or
 *   has only begun to hold some partition on which it is to vote
 */
export async function checkRangeLayout(context: ReplicaContext, asked: number): Promise<void> {
  const followed = () => context.layout()?.number ?? 0;
  if (followed() < asked) await context.newerLayout(() => followed() >= asked);
  const own = followed();
  if (own < asked || own === 0) {
    throw new QuorumError({ code: "unavailable", message: `this DataNode has not heard of layout ${asked} yet` });
  }
  if (own > asked) {
    throw new QuorumError({
      code: "precondition_failed",
      message: `layout ${asked} is not that of this DataNode, ${own}; follow it and ask again`,
    });
  }
  if (context.holdsAll) return;
  throw new QuorumError({ code: "unavailable", message: "this DataNode still clears what it is to hold anew" });
}
