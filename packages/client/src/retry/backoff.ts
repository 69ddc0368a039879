import type { Random } from "@quorumfs/core";

// The first pause is shorter than a failover takes, the longest lets a restarted node be found within a second.
const firstMs = 20;
const longestMs = 1000;

/**
 * The pause before the next round over the nodes: doubles from round to round and is drawn evenly from its upper half,
 * so that clients that failed together do not come back together.
 *
 * @param round 1 before the first repetition
 */
export function backoffMs(round: number, random: Random): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** (round - 1));
  return ceiling * (0.5 + random.fraction() / 2);
}

/** When to come back to a node that has said when: not before, and not all at the same time. */
export function hintedMs(retryAfterMs: number, random: Random): number {
  return retryAfterMs * (1 + random.fraction() / 2);
}
