/**
 * How much each node is to hold. By weight, within two bounds: a node holds a partition once at most, and the replicas of
 * a partition go to as many zones as there are, so that a small zone must hold as much as a large one. What the bounds
 * keep from one node the others take, still by weight.
 *
 * Each of these shares can be met to within one partition: places, zones and nodes make a network in which the fractional
 * shares are a flow, so there is a whole-numbered one between their floors and ceilings.
 */
import type { NodeId } from "../ids.js";
import type { PlacementNode } from "./placement.js";

/** How many replicas of a partition a zone holds. */
export interface ZoneSpread {
  readonly min: number;
  readonly max: number;
}

/** As level as the zones allow: no zone gets one more replica while another that has room has fewer. */
export function zoneSpread(nodes: readonly PlacementNode[], replicas: number): ReadonlyMap<string, ZoneSpread> {
  const sizes = new Map<string, number>();
  for (const { zone } of nodes) sizes.set(zone, (sizes.get(zone) ?? 0) + 1);
  const filledTo = (level: number): number => [...sizes.values()].reduce((sum, size) => sum + Math.min(size, level), 0);
  let level = 0;
  while (level < replicas && filledTo(level + 1) <= replicas) level += 1;
  const left = replicas - filledTo(level);
  return new Map(
    [...sizes].map(([zone, size]) => {
      const min = Math.min(size, level);
      return [zone, { min, max: left > 0 && size > level ? min + 1 : min }];
    }),
  );
}

/** The share of each node, in partitions; fractions are meant. */
export function idealShares(
  nodes: readonly PlacementNode[],
  options: { readonly replicas: number; readonly partitions: number },
): ReadonlyMap<NodeId, number> {
  const { partitions } = options;
  const replicas = Math.min(options.replicas, nodes.length);
  const spread = zoneSpread(nodes, replicas);
  const zones = [...spread].map(([zone, { min, max }]) => {
    const weights = nodes.filter((node) => node.zone === zone).map(({ weight }) => weight);
    return { zone, weights, min: min * partitions, max: max * partitions };
  });
  const bounded = ({ weights, min, max }: (typeof zones)[number], scale: number): number =>
    Math.min(max, Math.max(min, filled(weights, scale, partitions)));
  const scale = solve(replicas * partitions, nodes, partitions, (guess) =>
    zones.reduce((sum, zone) => sum + bounded(zone, guess), 0),
  );
  const scales = new Map(
    zones.map((zone) => {
      const share = bounded(zone, scale);
      return [zone.zone, solve(share, nodes, partitions, (guess) => filled(zone.weights, guess, partitions))];
    }),
  );
  return new Map(nodes.map(({ id, zone, weight }) => [id, Math.min(partitions, weight * (scales.get(zone) ?? 0))]));
}

/** Largest difference of what a node holds from its share, as a fraction of the share. */
export function unevenness(held: ReadonlyMap<NodeId, number>, shares: ReadonlyMap<NodeId, number>): number {
  let worst = 0;
  for (const [node, share] of shares) {
    if (share > 0) worst = Math.max(worst, Math.abs((held.get(node) ?? 0) - share) / share);
  }
  return worst;
}

function filled(weights: readonly number[], scale: number, partitions: number): number {
  return weights.reduce((sum, weight) => sum + Math.min(partitions, weight * scale), 0);
}

/** The scale at which `total` reaches a sum; `total` grows with it, to its end where every node holds every partition. */
function solve(
  sum: number,
  nodes: readonly PlacementNode[],
  partitions: number,
  total: (scale: number) => number,
): number {
  let low = 0;
  let high = partitions / Math.min(...nodes.map(({ weight }) => weight));
  // As many halvings as a double has bits, and some for the range of weights.
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    if (total(middle) < sum) low = middle;
    else high = middle;
  }
  return high;
}
