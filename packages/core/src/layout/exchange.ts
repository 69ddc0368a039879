/**
 * Brings counts between bounds by handing single places on. Each pass finds the shortest chain of such steps from a node
 * that has too many to one that has too few, as augmenting paths do in a flow: mostly one step, and two or three where
 * zones, or what the two hold already, leave no direct way. So no more is moved than must be.
 */

/** Nodes by index, and what each may give to each. */
export interface Exchange {
  /** Held now; `give` keeps it. */
  readonly counts: readonly number[];
  /** What each is to hold; who is furthest from it goes first. */
  readonly ideals: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** The place that `from` had best give to `to`, by its partition, and none of those given; undefined if there is none. */
  readonly find: (from: number, to: number, taken: ReadonlySet<number>) => number | undefined;
  readonly give: (step: Step) => void;
}

export interface Step {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

const none: ReadonlySet<number> = new Set();

export function level(exchange: Exchange): void {
  for (;;) {
    const steps = nextSteps(exchange);
    if (!steps) return;
    for (const step of steps) exchange.give(step);
  }
}

/** Undefined when all are within their bounds, or nothing helps. */
function nextSteps(exchange: Exchange): readonly Step[] | undefined {
  const { counts, ideals, low, high } = exchange;
  const excess = (index: number): number => (counts[index] ?? 0) - (ideals[index] ?? 0);
  const order = [...counts.keys()].sort((a, b) => excess(b) - excess(a) || a - b);
  const count = (index: number): number => counts[index] ?? 0;
  const over = order.filter((index) => count(index) > (high[index] ?? 0));
  const under = order.filter((index) => count(index) < (low[index] ?? 0)).reverse();
  const canGive = order.filter((index) => count(index) > (low[index] ?? 0));
  const canTake = order.filter((index) => count(index) < (high[index] ?? 0)).reverse();
  if (over.length > 0) return path(exchange, over, under) ?? path(exchange, over, canTake);
  return under.length > 0 ? path(exchange, canGive, under) : undefined;
}

/** A shortest chain, found level by level. */
function path(exchange: Exchange, sources: readonly number[], sinks: readonly number[]): readonly Step[] | undefined {
  if (sinks.length === 0) return undefined;
  const reached = new Map<number, readonly Step[]>(sources.map((source) => [source, []]));
  let frontier = sources;
  while (frontier.length > 0) {
    for (const from of frontier) {
      for (const to of sinks) {
        const steps = reached.has(to) ? undefined : extended(exchange, reached.get(from) ?? [], from, to);
        if (steps) return steps;
      }
    }
    const next: number[] = [];
    for (const from of frontier) {
      for (const to of exchange.counts.keys()) {
        const steps = reached.has(to) ? undefined : extended(exchange, reached.get(from) ?? [], from, to);
        if (!steps) continue;
        reached.set(to, steps);
        next.push(to);
      }
    }
    frontier = next;
  }
  return undefined;
}

function extended(exchange: Exchange, steps: readonly Step[], from: number, to: number): readonly Step[] | undefined {
  // A partition twice in one chain could break its zones, which `find` looks at one step at a time.
  const taken = steps.length === 0 ? none : new Set(steps.map((step) => step.partition));
  const partition = exchange.find(from, to, taken);
  return partition === undefined ? undefined : [...steps, { partition, from, to }];
}
