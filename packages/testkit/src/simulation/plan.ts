/**
 * What will happen in one history, drawn from a seed before it starts: who asks for what, which faults strike when, and
 * how bad the network is. A plan is plain data, so that a failing one can be cut down (`shrink.ts`) and printed.
 *
 * Every history draws its own mix ("swarm testing", Groce et al. 2012): one without crashes but with a storm of
 * reordered messages reaches states that an average of everything never does.
 */
import type { QuorumSettings } from "@quorumfs/core";
import { superNodeIndex } from "./network.js";
import { Prng } from "./prng.js";
import type { Damage } from "./simulated-replica.js";

export type PlannedCondition = "none" | "absent" | "version" | "etag";

export interface PlannedOperation {
  readonly kind: "put" | "delete" | "read" | "stat";
  readonly condition: PlannedCondition;
  /** How long the client rests before it. */
  readonly restMs: number;
  /** The coordinator of each attempt in turn; as many attempts as there are entries. */
  readonly coordinators: readonly number[];
  /** How long the client waits for each. */
  readonly timeoutMs: number;
  /** How long the coordinator goes on at most; longer than the client waits, if the news that it left is late. */
  readonly deadlineMs: number;
  /** Whether the client says which version it knew. */
  readonly tellsSeenVersion: boolean;
}

export interface PlannedClient {
  readonly operations: readonly PlannedOperation[];
}

export type PlannedFault = { readonly atMs: number } & (
  | { readonly kind: "replica_crash"; readonly node: number; readonly forMs: number }
  | { readonly kind: "coordinator_crash"; readonly node: number; readonly forMs: number }
  | { readonly kind: "coordinator_pause"; readonly node: number; readonly forMs: number }
  /** Nothing passes between the two, in either direction. */
  | { readonly kind: "partition"; readonly a: number; readonly b: number; readonly forMs: number }
  /** A bit of the stored record flips, and its node sets about repairing it `forMs` later. */
  | { readonly kind: "corruption"; readonly node: number; readonly forMs: number; readonly damage: Damage }
  /** A tombstone of another file in the partition is erased here, and takes the floor along. */
  | { readonly kind: "foreign_floor"; readonly node: number; readonly above: number }
  | { readonly kind: "collection"; readonly node: number }
  /** The SuperNode moves the file to these nodes. */
  | { readonly kind: "move"; readonly to: readonly number[] }
  /** The node never runs again, and its operator says so. */
  | { readonly kind: "loss"; readonly node: number }
  /** An identity round that dies when one vote has left: far above what there is, so that the vote is in the way for long. */
  | { readonly kind: "half_round"; readonly node: number; readonly to: number; readonly above: number }
  | { readonly kind: "super_node_crash"; readonly forMs: number }
  /** A node compares what it holds with another. */
  | { readonly kind: "catch_up"; readonly node: number; readonly other: number }
);

export interface NetworkPlan {
  /** Shares of messages. */
  readonly loss: number;
  readonly duplication: number;
  /** Held back for up to `lateMs`, so that later ones overtake them. */
  readonly reordering: number;
  readonly lateMs: number;
  readonly delayMs: number;
}

/** Where a coordinator takes its first counter from. */
export type CounterHints = "none" | "own replica" | "highest seen";

export interface HistoryPlan {
  readonly seed: number;
  readonly quorum: QuorumSettings;
  /** DataNodes that can hold the file; at first, as many of them as there are replicas do. */
  readonly nodes: number;
  /** DataNodes that coordinate: these, and perhaps others. */
  readonly coordinators: number;
  readonly clients: readonly PlannedClient[];
  readonly faults: readonly PlannedFault[];
  readonly network: NetworkPlan;
  readonly syncMs: number;
  readonly patienceMs: number;
  readonly counterHints: CounterHints;
}

type DrawnFault = Exclude<PlannedFault["kind"], "move" | "loss" | "half_round" | "super_node_crash" | "catch_up">;

/** How the file moves from node to node. */
export interface MoveRanges {
  /** Nodes beyond the replicas. */
  readonly spares: readonly [low: number, high: number];
  readonly moves: readonly [low: number, high: number];
  readonly catchUps: readonly [low: number, high: number];
  /** How often a node hears nothing of the SuperNode for a while, and so of no new layout. */
  readonly ignorance: readonly [low: number, high: number];
  readonly ignorantForMs: number;
  readonly halfRounds: readonly [low: number, high: number];
  readonly superNodeCrashes: readonly [low: number, high: number];
  /** The share of histories in which a node is lost for good. */
  readonly loss: number;
}

/** What a plan is drawn from; a scenario that hunts for one kind of bug narrows it. */
export interface PlanRanges {
  readonly quorum: QuorumSettings;
  readonly clients: readonly [low: number, high: number];
  readonly operationsPerClient: readonly [low: number, high: number];
  readonly kinds: Readonly<Record<PlannedOperation["kind"], number>>;
  readonly conditions: Readonly<Record<PlannedCondition, number>>;
  readonly restMs: number;
  readonly attempts: readonly [low: number, high: number];
  readonly timeoutMs: readonly [low: number, high: number];
  /** By how much, at most, a deadline is longer than the client's patience; 1 is twice as long. */
  readonly overrun: number;
  readonly tellsSeenVersion: number;
  readonly faults: Readonly<Record<DrawnFault, number>>;
  readonly faultsPerHistory: readonly [low: number, high: number];
  readonly faultForMs: number;
  /** The share of histories in which a class of faults is left out altogether. */
  readonly calm: number;
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly lateMs: number;
  readonly syncMs: number;
  readonly extraCoordinator: number;
  readonly counterHints: Readonly<Record<CounterHints, number>>;
  /** Left out: the file stays where it is. */
  readonly layout?: MoveRanges;
}

export function drawPlan(seed: number, ranges: PlanRanges): HistoryPlan {
  const prng = new Prng(seed);
  // A stream of its own, so that a file that moves is otherwise met by what it would be met by anyway.
  const layoutPrng = new Prng(seed ^ 0x2545f491);
  const nodes = ranges.quorum.replicas + (ranges.layout ? within(layoutPrng, ranges.layout.spares) : 0);
  const coordinators = nodes + (prng.chance(ranges.extraCoordinator) ? 1 : 0);
  const clients = Array.from({ length: within(prng, ranges.clients) }, () => drawClient(prng, ranges, coordinators));
  const longestMs = Math.max(...clients.map(expectedMs));
  const network: NetworkPlan = {
    loss: prng.chance(ranges.calm) ? 0 : prng.between(0, ranges.loss),
    duplication: prng.chance(ranges.calm) ? 0 : prng.between(0, ranges.duplication),
    reordering: prng.chance(ranges.calm) ? 0 : prng.between(0, ranges.reordering),
    lateMs: prng.between(20, ranges.lateMs),
    delayMs: prng.between(0.5, 5),
  };
  return {
    seed,
    quorum: ranges.quorum,
    nodes,
    coordinators,
    clients,
    faults: [
      ...drawFaults(prng, ranges, { nodes, coordinators, longestMs }),
      ...drawMoves(layoutPrng, ranges, { nodes, coordinators, longestMs }),
    ],
    network,
    syncMs: prng.between(0.1, ranges.syncMs),
    patienceMs: prng.between(1, 15),
    counterHints: prng.weighted(ranges.counterHints),
  };
}

function within(prng: Prng, [low, high]: readonly [low: number, high: number]): number {
  return low + prng.below(high - low + 1);
}

function drawClient(prng: Prng, ranges: PlanRanges, coordinators: number): PlannedClient {
  // Most clients stay with one coordinator, as the routing makes them; kept promises live on that.
  const favourite = prng.below(coordinators);
  const loyalty = prng.pick([0, 0.5, 0.9]);
  const operations = Array.from({ length: within(prng, ranges.operationsPerClient) }, (): PlannedOperation => {
    const kind = prng.weighted(ranges.kinds);
    const timeoutMs = prng.between(ranges.timeoutMs[0], ranges.timeoutMs[1]);
    const condition = kind === "read" || kind === "stat" ? "none" : prng.weighted(ranges.conditions);
    return {
      kind,
      condition: kind === "delete" && condition === "absent" ? "none" : condition,
      restMs: prng.chance(0.3) ? 0 : prng.between(0, ranges.restMs),
      coordinators: Array.from({ length: within(prng, ranges.attempts) }, () =>
        prng.chance(loyalty) ? favourite : prng.below(coordinators),
      ),
      timeoutMs,
      deadlineMs: timeoutMs * (1 + (prng.chance(0.5) ? 0 : prng.between(0, ranges.overrun))),
      tellsSeenVersion: prng.chance(ranges.tellsSeenVersion),
    };
  });
  return { operations };
}

/** Faults that come when all is over would be wasted. */
function expectedMs(client: PlannedClient): number {
  return client.operations.reduce((sum, { restMs, timeoutMs }) => sum + restMs + timeoutMs / 3, 0);
}

function drawFaults(
  prng: Prng,
  ranges: PlanRanges,
  options: { nodes: number; coordinators: number; longestMs: number },
): readonly PlannedFault[] {
  const kinds = { ...ranges.faults };
  for (const kind of Object.keys(kinds) as DrawnFault[]) if (prng.chance(ranges.calm)) kinds[kind] = 0;
  if (Object.values(kinds).every((weight) => weight === 0)) return [];
  const faults: PlannedFault[] = [];
  for (let count = within(prng, ranges.faultsPerHistory); count > 0; count -= 1) {
    const kind = prng.weighted(kinds);
    const atMs = prng.between(0, options.longestMs);
    const node = prng.below(
      kind === "coordinator_crash" || kind === "collection" ? options.coordinators : options.nodes,
    );
    const forMs = prng.between(0, ranges.faultForMs);
    switch (kind) {
      case "replica_crash":
      case "coordinator_crash":
      case "coordinator_pause":
        faults.push({ kind, atMs, node, forMs });
        break;
      case "partition":
        faults.push({ kind, atMs, a: node, b: prng.below(options.coordinators), forMs });
        break;
      case "corruption":
        faults.push({ kind, atMs, node, forMs, damage: prng.chance(0.75) ? "record" : "content" });
        break;
      case "foreign_floor":
        faults.push({ kind, atMs, node, above: prng.below(12) });
        break;
      case "collection":
        faults.push({ kind, atMs, node });
        break;
    }
  }
  return faults;
}

function drawMoves(
  prng: Prng,
  ranges: PlanRanges,
  options: { nodes: number; coordinators: number; longestMs: number },
): readonly PlannedFault[] {
  const { layout, quorum, faultForMs } = ranges;
  const { nodes, coordinators, longestMs } = options;
  if (!layout) return [];
  const atMs = () => prng.between(0, longestMs);
  const each = (range: readonly [low: number, high: number], draw: () => PlannedFault) =>
    Array.from({ length: within(prng, range) }, draw);
  return [
    ...each(layout.moves, () => ({ kind: "move", atMs: atMs(), to: someOf(prng, nodes, quorum.replicas) })),
    ...each(layout.catchUps, () => ({
      kind: "catch_up",
      atMs: atMs(),
      node: prng.below(nodes),
      other: prng.below(nodes),
    })),
    ...each(layout.ignorance, () => ({
      kind: "partition",
      atMs: atMs(),
      a: prng.below(coordinators),
      b: superNodeIndex,
      forMs: prng.between(0, layout.ignorantForMs),
    })),
    ...each(layout.superNodeCrashes, () => ({
      kind: "super_node_crash",
      atMs: atMs(),
      forMs: prng.between(0, faultForMs),
    })),
    ...each(layout.halfRounds, () => ({
      kind: "half_round",
      atMs: atMs(),
      node: prng.below(coordinators),
      to: prng.below(nodes),
      above: prng.below(12),
    })),
    ...each(prng.chance(layout.loss) ? [1, 1] : [0, 0], () => ({
      kind: "loss",
      atMs: atMs(),
      node: prng.below(nodes),
    })),
  ];
}

/** So many of the numbers below `bound`, in any order. */
function someOf(prng: Prng, bound: number, count: number): readonly number[] {
  const left = Array.from({ length: bound }, (_, index) => index);
  return Array.from({ length: count }, () => left.splice(prng.below(left.length), 1)).flat();
}
