/**
 * Where every partition is to be, from where it is: by as few moves as can be, for moves are what a change of the layout
 * costs. It starts from the present assignment, fills the places of nodes that go, and then lets nodes that have too much
 * give single places to nodes that have too little, until each is within one partition of its share
 * ({@link idealShares}). Rendezvous hashing alone would move no less, and leaves nodes 20 % apart.
 *
 * Which of the possible places moves is drawn by hash, so that the partitions of one node are shared with all others and
 * not with a few: its loss is then made good by all. The same input gives the same plan.
 */
import { assert } from "../assert.js";
import type { NodeId } from "../ids.js";
import { type Exchange, level } from "./exchange.js";
import { mix32 } from "./hash.js";
import type { PlacementNode } from "./placement.js";
import { idealShares, type ZoneSpread, zoneSpread } from "./shares.js";

/** The nodes of each partition, in order of preference as coordinator. */
export type Targets = readonly (readonly NodeId[])[];

export interface PlanOptions {
  /** Where each partition is now, or will be when what moves just now has moved. */
  readonly current: Targets;
  /** N. */
  readonly replicas: number;
  /** Who is to hold files: at least N. */
  readonly nodes: readonly PlacementNode[];
  /** Nodes that keep what they have and get nothing new, as one that is down, unless too few others are left. */
  readonly noMore?: ReadonlySet<NodeId>;
  /** Who takes the places of whom, one for one. */
  readonly replacements?: ReadonlyMap<NodeId, NodeId>;
  /** False: only places of nodes that go are given anew, and nothing else moves. */
  readonly rebalance?: boolean;
}

/** @returns N different nodes for each partition; the first replica stays the first where it stays, and they are shared evenly too */
export function planLayout(options: PlanOptions): Targets {
  const { nodes, replicas, rebalance = true } = options;
  assert(nodes.length >= replicas, "a layout needs as many nodes as replicas");
  const draft = new Draft(options);
  draft.fill();
  if (rebalance) {
    draft.spreadOverZones();
    draft.balance();
  }
  return draft.ordered(rebalance);
}

/** An assignment that is being worked on. Nodes are indexes into `#nodes`. */
class Draft {
  readonly #replicas: number;
  readonly #nodes: readonly PlacementNode[];
  readonly #ideals: readonly number[];
  readonly #mayGain: readonly boolean[];
  readonly #zoneOf: readonly number[];
  readonly #spread: readonly ZoneSpread[];
  /** Uniform in [0, 1), by partition and node: the same for the same pair in every plan. */
  readonly #draws: Float64Array;
  /** The present nodes that stay, in their order, replaced ones by their successors. */
  readonly #before: readonly (readonly number[])[];
  /** Whether the first of `#before` is the first of the present assignment. */
  readonly #firstStays: readonly boolean[];
  readonly #members: number[][];
  /** By node: its partitions. */
  readonly #held: Set<number>[];
  readonly #counts: number[];

  constructor({ current, replicas, nodes, noMore, replacements }: PlanOptions) {
    this.#replicas = replicas;
    this.#nodes = [...nodes].sort((a, b) => a.id - b.id);
    const shares = idealShares(this.#nodes, { replicas, partitions: current.length });
    this.#ideals = this.#nodes.map(({ id }) => shares.get(id) ?? 0);
    this.#mayGain = this.#nodes.map(({ id }) => !noMore?.has(id));
    const spread = zoneSpread(this.#nodes, replicas);
    const zones = [...spread.keys()];
    this.#zoneOf = this.#nodes.map(({ zone }) => zones.indexOf(zone));
    this.#spread = [...spread.values()];
    this.#draws = Float64Array.from({ length: current.length * nodes.length }, (_, index) => {
      const node = this.#idOf(index % nodes.length);
      return mix32(mix32(Math.floor(index / nodes.length) + 1) ^ node) / 2 ** 32;
    });
    const indexes = new Map(this.#nodes.map(({ id }, index) => [id, index]));
    const successors = current.map((ids) => ids.map((id) => indexes.get(replacements?.get(id) ?? id)));
    this.#before = successors.map((list) =>
      [...new Set(list.filter((index) => index !== undefined))].slice(0, replicas),
    );
    this.#firstStays = successors.map(([first]) => first !== undefined);
    this.#members = this.#before.map((list) => [...list]);
    this.#held = this.#nodes.map(() => new Set<number>());
    this.#counts = this.#nodes.map(() => 0);
    for (const [partition, members] of this.#members.entries()) {
      for (const node of members) this.#hold(node, partition);
    }
  }

  /** Gives the places of nodes that have gone to those that are furthest below their shares. */
  fill(): void {
    for (const [partition, members] of this.#members.entries()) {
      while (members.length < this.#replicas) {
        const best = this.#mostWanting(partition, this.#leastCrowdedZones(partition));
        // Better a place with a node that is to get nothing, and that it waits for, than one place too few.
        const node = best ?? this.#nodes.findIndex((_, index) => !this.#held[index]?.has(partition));
        assert(node >= 0, "fewer nodes than replicas");
        members.push(node);
        this.#hold(node, partition);
      }
    }
  }

  /** Where a zone has come or gone, or a node has changed its zone, partitions may lie in fewer zones than they could. */
  spreadOverZones(): void {
    for (const partition of this.#members.keys()) {
      while (this.#moveBetweenZones(partition));
    }
  }

  /** Brings every node within one partition of its share. */
  balance(): void {
    level({
      counts: this.#counts,
      ideals: this.#ideals,
      low: this.#ideals.map((ideal, node) => (this.#mayGain[node] ? Math.floor(ideal + rounding) : 0)),
      high: this.#ideals.map((ideal) => Math.ceil(ideal - rounding)),
      find: (from, to, taken) => (this.#mayGain[to] ? this.#bestToMove(from, to, taken) : undefined),
      give: ({ partition, from, to }) => this.#move(partition, from, to),
    });
  }

  /** The first replicas stay where they can, and are shared as evenly as the places are. */
  ordered(rebalance: boolean): Targets {
    const firsts = new Firsts({
      members: this.#members.map((members, partition) => this.#inOrder(partition, members)),
      counts: this.#counts,
      isFree: (partition) => !this.#firstStays[partition] || this.#isMoving(partition),
    });
    for (const [partition, members] of this.#members.entries()) {
      const [first] = this.#before[partition] ?? [];
      const stays = first !== undefined && this.#firstStays[partition] && members.includes(first);
      if (!stays) firsts.choose(partition);
    }
    if (rebalance) firsts.balance();
    return firsts.members.map((members) => members.map((node) => this.#idOf(node)));
  }

  #hold(node: number, partition: number): void {
    this.#held[node]?.add(partition);
    this.#counts[node] = (this.#counts[node] ?? 0) + 1;
  }

  #move(partition: number, from: number, to: number): void {
    const members = this.#members[partition] ?? [];
    members[members.indexOf(from)] = to;
    this.#held[from]?.delete(partition);
    this.#counts[from] = (this.#counts[from] ?? 0) - 1;
    this.#hold(to, partition);
  }

  #idOf(node: number): NodeId {
    const found = this.#nodes[node];
    assert(found !== undefined, "a place is held by a node that is none");
    return found.id;
  }

  #inZone(partition: number, zone: number): number {
    let count = 0;
    for (const node of this.#members[partition] ?? []) if (this.#zoneOf[node] === zone) count += 1;
    return count;
  }

  #leastCrowdedZones(partition: number): ReadonlySet<number> {
    let least = Infinity;
    let zones = new Set<number>();
    for (const [node, zone] of this.#zoneOf.entries()) {
      if (!this.#canTake(node, partition)) continue;
      const crowd = this.#inZone(partition, zone);
      if (crowd < least) zones = new Set();
      least = Math.min(least, crowd);
      if (crowd === least) zones.add(zone);
    }
    return zones;
  }

  #canTake(node: number, partition: number): boolean {
    return this.#mayGain[node] === true && !this.#held[node]?.has(partition);
  }

  /** Who lacks most of its share, of those that can take the partition; by hash among those that lack the same. */
  #mostWanting(partition: number, zones?: ReadonlySet<number>): number | undefined {
    let best: number | undefined;
    let bestWant = -Infinity;
    for (const [node, zone] of this.#zoneOf.entries()) {
      if (!this.#canTake(node, partition) || (zones && !zones.has(zone))) continue;
      const want = Math.ceil((this.#ideals[node] ?? 0) - (this.#counts[node] ?? 0)) + this.#draw(partition, node);
      if (want > bestWant) [best, bestWant] = [node, want];
    }
    return best;
  }

  #moveBetweenZones(partition: number): boolean {
    const counts = this.#spread.map((_, zone) => this.#inZone(partition, zone));
    const beyond = (bound: "min" | "max", isBeyond: (count: number, limit: number) => boolean): Set<number> =>
      new Set([...counts.keys()].filter((zone) => isBeyond(counts[zone] ?? 0, this.#spread[zone]?.[bound] ?? 0)));
    const crowded = beyond("max", (count, max) => count > max);
    const bare = beyond("min", (count, min) => count < min);
    if (crowded.size === 0 && bare.size === 0) return false;
    const givers = crowded.size > 0 ? crowded : beyond("min", (count, min) => count > min);
    const takers = bare.size > 0 ? bare : beyond("max", (count, max) => count < max);
    const to = this.#mostWanting(partition, takers);
    const from = (this.#members[partition] ?? [])
      .filter((node) => givers.has(this.#zoneOf[node] ?? -1))
      .sort((a, b) => this.#excess(b) - this.#excess(a) || a - b)[0];
    if (to === undefined || from === undefined) return false;
    this.#move(partition, from, to);
    return true;
  }

  #excess(node: number): number {
    return (this.#counts[node] ?? 0) - (this.#ideals[node] ?? 0);
  }

  /** A place that has moved anyway costs nothing more; one that comes back to where it was saves a move. */
  #bestToMove(from: number, to: number, taken: ReadonlySet<number>): number | undefined {
    let best: number | undefined;
    let bestRank = -1;
    for (const partition of this.#held[from] ?? []) {
      if (taken.has(partition) || this.#held[to]?.has(partition) || !this.#keepsZones(partition, from, to)) continue;
      const before = this.#before[partition] ?? [];
      const saved = (before.includes(from) ? 0 : 1) + (before.includes(to) ? 1 : 0);
      const rank = saved + this.#draw(partition, to);
      if (rank > bestRank) [best, bestRank] = [partition, rank];
    }
    return best;
  }

  #keepsZones(partition: number, from: number, to: number): boolean {
    const [source = -1, target = -1] = [this.#zoneOf[from], this.#zoneOf[to]];
    if (source === target) return true;
    const [leaving, entering] = [this.#spread[source], this.#spread[target]];
    if (!leaving || !entering) return false;
    return this.#inZone(partition, source) > leaving.min && this.#inZone(partition, target) < entering.max;
  }

  #draw(partition: number, node: number): number {
    return this.#draws[partition * this.#nodes.length + node] ?? 0;
  }

  #isMoving(partition: number): boolean {
    const before = this.#before[partition] ?? [];
    return (this.#members[partition] ?? []).some((node) => !before.includes(node));
  }

  /** Who stays keeps its rank. */
  #inOrder(partition: number, members: readonly number[]): number[] {
    const stays = (this.#before[partition] ?? []).filter((node) => members.includes(node));
    return [...stays, ...members.filter((node) => !stays.includes(node))];
  }
}

/** Who comes first in each partition, and so coordinates most of its operations. */
class Firsts {
  readonly members: number[][];
  readonly #isFree: (partition: number) => boolean;
  readonly #first: Set<number>[];
  readonly #counts: number[];
  readonly #ideals: readonly number[];

  constructor(options: {
    readonly members: number[][];
    readonly counts: readonly number[];
    readonly isFree: (partition: number) => boolean;
  }) {
    this.members = options.members;
    this.#isFree = options.isFree;
    const replicas = Math.max(1, ...options.members.map((list) => list.length));
    // A fraction of 1/N of what a node holds, which can be met to within one by the same argument as the shares.
    this.#ideals = options.counts.map((count) => count / replicas);
    this.#first = options.counts.map(() => new Set<number>());
    this.#counts = options.counts.map(() => 0);
    for (const [partition, [first]] of this.members.entries()) if (first !== undefined) this.#add(first, partition);
  }

  /** The first has gone: its place goes to who coordinates least. */
  choose(partition: number): void {
    const [first, ...others] = this.members[partition] ?? [];
    if (first === undefined) return;
    this.#remove(first, partition);
    const excess = (node: number): number => (this.#counts[node] ?? 0) - (this.#ideals[node] ?? 0);
    const best = others.reduce((least, node) => (excess(node) < excess(least) ? node : least), first);
    this.#add(best, partition);
    this.#swap(partition, best);
  }

  balance(): void {
    const exchange: Exchange = {
      counts: this.#counts,
      ideals: this.#ideals,
      low: this.#ideals.map((ideal) => Math.floor(ideal + rounding)),
      high: this.#ideals.map((ideal) => Math.ceil(ideal - rounding)),
      find: (from, to, taken) => this.#find(from, to, taken),
      give: ({ partition, from, to }) => {
        this.#remove(from, partition);
        this.#add(to, partition);
        this.#swap(partition, to);
      },
    };
    level(exchange);
  }

  #find(from: number, to: number, taken: ReadonlySet<number>): number | undefined {
    let fallback: number | undefined;
    for (const partition of this.#first[from] ?? []) {
      if (taken.has(partition) || !this.members[partition]?.includes(to)) continue;
      if (this.#isFree(partition)) return partition;
      fallback ??= partition;
    }
    return fallback;
  }

  /** Puts a node first; the one that was there takes its rank. */
  #swap(partition: number, node: number): void {
    const members = this.members[partition] ?? [];
    const rank = members.indexOf(node);
    const [first] = members;
    if (rank <= 0 || first === undefined) return;
    members[0] = node;
    members[rank] = first;
  }

  #add(node: number, partition: number): void {
    this.#first[node]?.add(partition);
    this.#counts[node] = (this.#counts[node] ?? 0) + 1;
  }

  #remove(node: number, partition: number): void {
    this.#first[node]?.delete(partition);
    this.#counts[node] = (this.#counts[node] ?? 0) - 1;
  }
}

/** Shares are solved for by halving, so a whole number may come out a hair off. */
const rounding = 1e-6;
