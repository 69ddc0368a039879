/** What a run does: everything is drawn from its seed beforehand, so that a plan can be cut down and played again. */
import type { DurabilityClass } from "@quorumfs/client";
import type { QuorumSettings } from "@quorumfs/core";
import { Prng } from "../../simulation/prng.js";
import { drawFaults, type Fault, makesForget } from "./faults.js";

export interface PlannedBucket extends QuorumSettings {
  readonly name: string;
  readonly durability: DurabilityClass;
}

export interface SystemPlan {
  readonly seed: number;
  /** DataNodes at the start. */
  readonly nodes: number;
  /** 1024, as in every cluster, or few: most of what a run costs is their number, and hardly any of what it finds. */
  readonly partitions: number;
  readonly buckets: readonly PlannedBucket[];
  readonly clients: number;
  /** Of each client. */
  readonly operations: number;
  readonly filesPerBucket: number;
  /** Share of puts that are too large to travel with votes. */
  readonly largeShare: number;
  /** Longest pause of a client between two operations. */
  readonly thinkMs: number;
  /** How long faults happen. */
  readonly troubleMs: number;
  /** Uploads, retired chunks and scrubs in seconds instead of hours. */
  readonly hasty: boolean;
  readonly faults: readonly Fault[];
}

const quorumsOf: Readonly<Record<number, readonly QuorumSettings[]>> = {
  3: [
    { replicas: 3, read: 2, write: 2 },
    { replicas: 3, read: 2, write: 2 },
    { replicas: 3, read: 1, write: 3 },
    { replicas: 3, read: 2, write: 3 },
    { replicas: 3, read: 3, write: 2 },
    { replicas: 3, read: 3, write: 1 },
  ],
  5: [
    { replicas: 5, read: 3, write: 3 },
    { replicas: 5, read: 2, write: 4 },
    { replicas: 5, read: 4, write: 2 },
  ],
};

export function drawSystemPlan(seed: number): SystemPlan {
  const random = new Prng(seed * 2 + 1);
  const nodes = random.weighted({ 3: 3, 4: 3, 5: 3, 6: 1 });
  const count = Number(nodes);
  const replicas = count >= 5 && random.chance(0.3) ? 5 : 3;
  const quorums = quorumsOf[replicas] ?? [];
  const buckets = Array.from({ length: random.pick([1, 2]) }, (_, index) => ({
    name: `bucket${index + 1}`,
    ...random.pick(quorums),
  }));
  const troubleMs = random.between(3_000, 15_000);
  const hasty = random.chance(0.5);
  const operations = 15 + random.below(35);
  const partitions = Number(random.weighted({ 16: 3, 64: 4, 1024: 1 }));
  const minWrite = Math.min(...buckets.map(({ write }) => write));
  const maxRead = Math.max(...buckets.map(({ read }) => read));
  const plan = {
    seed,
    nodes: count,
    partitions,
    clients: 2 + random.below(2),
    operations,
    filesPerBucket: 2 + random.below(4),
    largeShare: random.pick([0, 0.05, 0.1, 0.2]),
    // In a hurry, or so that the work takes as long as the trouble.
    thinkMs: random.chance(0.3) ? 30 : (3 * troubleMs) / operations,
    troubleMs,
    hasty,
    faults: drawFaults(random, { nodes: count, replicas, minWrite, maxRead, troubleMs, hasty }),
  };
  // Who crashes forgets what its disk does not have yet, and a bucket in memory promises nothing then.
  const mayBeInMemory = !plan.faults.some(makesForget);
  return {
    ...plan,
    buckets: buckets.map((bucket) => ({
      ...bucket,
      durability: mayBeInMemory && random.chance(0.5) ? "memory" : "fsync",
    })),
  };
}
