/**
 * Which nodes hold a partition: weighted rendezvous hashing (Thaler and Ravishankar 1998; the weights by Schindelhauer
 * and Schomaker 2005). Each node draws a score per partition, and the highest scores win. So a node that comes or goes
 * moves only what it gains or loses, and a node of twice the capacity holds twice as much.
 *
 * Zones: replicas go to as many different zones as there are before a zone gets a second one.
 */
import type { NodeId, PartitionId } from "../ids.js";
import { mix32 } from "./hash.js";

export interface PlacementNode {
  readonly id: NodeId;
  readonly zone: string;
  /** Share relative to the other nodes, above 0; usually the capacity. */
  readonly weight: number;
}

/** The replica set of a partition, best score first: the first is the preferred coordinator. */
export function placePartition(options: {
  readonly partition: PartitionId;
  readonly nodes: readonly PlacementNode[];
  readonly replicas: number;
}): readonly NodeId[] {
  const ranked = options.nodes
    .map((node) => ({ node, score: scoreOf(options.partition, node) }))
    .sort((a, b) => b.score - a.score || a.node.id - b.node.id)
    .map(({ node }) => node);

  const chosen: PlacementNode[] = [];
  const perZone = new Map<string, number>();
  while (chosen.length < options.replicas) {
    const best = leastCrowded(ranked, chosen, perZone);
    if (!best) break;
    chosen.push(best);
    perZone.set(best.zone, (perZone.get(best.zone) ?? 0) + 1);
  }
  return chosen.map((node) => node.id);
}

function leastCrowded(
  ranked: readonly PlacementNode[],
  chosen: readonly PlacementNode[],
  perZone: ReadonlyMap<string, number>,
): PlacementNode | undefined {
  let best: PlacementNode | undefined;
  let crowd = Infinity;
  for (const node of ranked) {
    const inZone = perZone.get(node.zone) ?? 0;
    if (inZone < crowd && !chosen.includes(node)) {
      best = node;
      crowd = inZone;
    }
  }
  return best;
}

/** -weight / ln(u) with u uniform in (0, 1): the highest of several such draws falls to each by its weight. */
function scoreOf(partition: PartitionId, node: PlacementNode): number {
  const high = mix32(mix32(partition + 1) ^ node.id);
  const low = mix32(high ^ mix32(node.id + 0x9e3779b9));
  const uniform = (high * 2 ** 20 + (low >>> 12) + 0.5) / 2 ** 52;
  return -node.weight / Math.log(uniform);
}
