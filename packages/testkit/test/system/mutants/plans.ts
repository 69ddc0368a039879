import { Prng } from "../../../src/simulation/prng.js";
import type { Fault } from "../../../src/system/plan/faults.js";
import type { SystemPlan } from "../../../src/system/plan/system-plan.js";

const troubleMs = 8_000;

function basePlan(seed: number, faults: readonly Fault[]): SystemPlan {
  return {
    seed,
    partitions: 64,
    nodes: 4,
    buckets: [{ name: "bucket1", replicas: 3, read: 2, write: 2, durability: "fsync" }],
    clients: 2,
    operations: 40,
    filesPerBucket: 3,
    largeShare: 0,
    thinkMs: (3 * troubleMs) / 40,
    troubleMs,
    hasty: false,
    faults: faults.toSorted((a, b) => a.atMs - b.atMs),
  };
}

/** Everything loses its power at once, again and again, while disks are slow. */
export function blackouts(seed: number): SystemPlan {
  const random = new Prng(seed);
  const slow = [0, 1, 2, 3].map((server): Fault => ({
    kind: "slow disk",
    atMs: 0,
    forMs: troubleMs,
    server,
    syncMs: 300,
  }));
  const dark = [0, 1, 2].map((): Fault => ({ kind: "blackout", atMs: random.between(500, troubleMs), forMs: 500 }));
  return basePlan(seed, [...slow, ...dark]);
}

/** Nodes are replaced by new ones, until none of the first is left. */
export function replacements(seed: number): SystemPlan {
  const random = new Prng(seed);
  const faults = [0, 1, 2, 3].map((server): Fault => {
    return { kind: "replace", atMs: 500 + server * 1_800 + random.between(0, 500), forMs: 0, server };
  });
  return basePlan(seed, faults);
}

/** Several clients write one file, most of it large, and append to another: who comes too late leaves an upload behind that no version names. */
export function uploads(seed: number): SystemPlan {
  const random = new Prng(seed);
  const faults = [0, 1, 2].flatMap((client): Fault[] => [
    { kind: "client dies", atMs: random.between(500, troubleMs), forMs: 0, client },
    { kind: "broken connections", atMs: random.between(500, troubleMs), forMs: 1_000, count: 5 },
  ]);
  return { ...basePlan(seed, faults), clients: 4, filesPerBucket: 2, largeShare: 0.6, thinkMs: 100, hasty: true };
}

/** Several clients append to one file and overwrite it, on disks so slow that many do not live to see what came of it. */
export function appends(seed: number): SystemPlan {
  const random = new Prng(seed);
  const slow = [0, 1, 2, 3].map((server): Fault => {
    return { kind: "slow disk", atMs: 0, forMs: troubleMs, server, syncMs: random.between(300, 900) };
  });
  return { ...basePlan(seed, slow), clients: 4, filesPerBucket: 1, thinkMs: 100 };
}

/**
 * While a node is down, another one takes writes, and then has the disk that it had before. When both run again the third is away: the
 * two together would know nothing of those writes.
 */
export function rollbacks(seed: number): SystemPlan {
  const random = new Prng(seed);
  const faults = [0, 1].flatMap((round): Fault[] => {
    const atMs = 1_000 + round * 3_500;
    const backMs = random.between(1_000, 1_500);
    return [
      { kind: "power", atMs, forMs: backMs, server: 2 },
      { kind: "old disk", atMs, forMs: backMs, server: 0 },
      { kind: "partition", atMs: atMs + backMs, forMs: 1_800, servers: [1] },
    ];
  });
  return { ...basePlan(seed, faults), nodes: 3, filesPerBucket: 2, thinkMs: 200 };
}

/** Half of the nodes give all that they have to the other half, whose disks take their time. */
export function exchanges(seed: number): SystemPlan {
  const random = new Prng(seed);
  const faults = [0, 1, 2].map((server): Fault => {
    return { kind: "drain", atMs: 1_500 + random.between(0, 200), forMs: troubleMs, server };
  });
  const slow = [3, 4, 5].map((server): Fault => {
    return { kind: "slow disk", atMs: 0, forMs: troubleMs, server, syncMs: random.between(800, 1_500) };
  });
  return { ...basePlan(seed, [...slow, ...faults]), nodes: 6 };
}
