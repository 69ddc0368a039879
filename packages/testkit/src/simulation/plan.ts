/**
 * What will happen in one history, drawn from a seed before it starts: who asks for what, which faults strike when, and
 * how bad the network is. A plan is plain data, so that a failing one can be cut down (`shrink.ts`) and printed.
 *
 * Every history draws its own mix ("swarm testing", Groce et al. 2012): one without crashes but with a storm of
 * reordered messages reaches states that an average of everything never does.
 */
import type { QuorumSettings } from "@quorumfs/core";
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
  /** DataNodes that coordinate; those beyond the replicas hold no copy. */
  readonly coordinators: number;
  readonly clients: readonly PlannedClient[];
  readonly faults: readonly PlannedFault[];
  readonly network: NetworkPlan;
  readonly syncMs: number;
  readonly patienceMs: number;
  readonly counterHints: CounterHints;
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
  readonly faults: Readonly<Record<PlannedFault["kind"], number>>;
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
}

export function drawPlan(seed: number, ranges: PlanRanges): HistoryPlan {
  const prng = new Prng(seed);
  const { replicas } = ranges.quorum;
  const coordinators = replicas + (prng.chance(ranges.extraCoordinator) ? 1 : 0);
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
    coordinators,
    clients,
    faults: drawFaults(prng, ranges, { coordinators, longestMs }),
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
  options: { coordinators: number; longestMs: number },
): readonly PlannedFault[] {
  const { replicas } = ranges.quorum;
  const kinds = { ...ranges.faults };
  for (const kind of Object.keys(kinds) as PlannedFault["kind"][]) if (prng.chance(ranges.calm)) kinds[kind] = 0;
  if (Object.values(kinds).every((weight) => weight === 0)) return [];
  const faults: PlannedFault[] = [];
  for (let count = within(prng, ranges.faultsPerHistory); count > 0; count -= 1) {
    const kind = prng.weighted(kinds);
    const atMs = prng.between(0, options.longestMs);
    const node = prng.below(kind === "coordinator_crash" || kind === "collection" ? options.coordinators : replicas);
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
