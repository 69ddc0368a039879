/** Nodes of which so many make a chunk safe. */
export interface ChunkGroup {
  readonly nodes: readonly number[];
  readonly needed: number;
}

/** Where a chunk belongs: to one group of nodes as a rule, and to two while its partition moves; then both must have it. */
export interface ChunkPlaces {
  readonly groups: readonly ChunkGroup[];
  /** Every node once. */
  readonly nodes: readonly number[];
}

/** Whether the chunk is safe with those that have it. */
export function isSafe({ groups }: ChunkPlaces, has: (node: number) => boolean): boolean {
  return groups.length > 0 && groups.every((group) => group.needed > 0 && lackOf(group, has) <= 0);
}

/** Whether it would be nearer to that if this node had it, too. */
export function isWanted({ groups }: ChunkPlaces, node: number, has: (node: number) => boolean): boolean {
  return !has(node) && groups.some((group) => group.nodes.includes(node) && lackOf(group, has) > 0);
}

/** The group that lacks most, and how many of it have the chunk. */
export function worstOf(
  { groups }: ChunkPlaces,
  has: (node: number) => boolean,
): { readonly needed: number; readonly got: number } {
  let worst: ChunkGroup = { nodes: [], needed: 0 };
  for (const group of groups) if (worst.needed === 0 || lackOf(group, has) > lackOf(worst, has)) worst = group;
  return { needed: worst.needed, got: worst.nodes.filter(has).length };
}

/** Whether these nodes alone keep the chunk from ever being safe. */
export function isPrevented({ groups }: ChunkPlaces, refuses: (node: number) => boolean): boolean {
  return groups.some(({ nodes, needed }) => nodes.filter((node) => !refuses(node)).length < needed);
}

function lackOf({ nodes, needed }: ChunkGroup, has: (node: number) => boolean): number {
  return needed - nodes.filter(has).length;
}
