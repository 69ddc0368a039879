import type { Prng } from "../../simulation/prng.js";

interface Timed {
  /** Since trouble began. */
  readonly atMs: number;
  /** How long it lasts; then it is put right. */
  readonly forMs: number;
}

/** DataNodes by index; -1 is the SuperNode. */
interface OnServer extends Timed {
  readonly server: number;
}

export type Fault =
  /** Kill -9 and a start later. */
  | (OnServer & { readonly kind: "kill" })
  /** The machine loses its power: connections break without a word. */
  | (OnServer & { readonly kind: "power" })
  /** Stopped in good order and started again. */
  | (OnServer & { readonly kind: "restart" })
  /** Stands still, then goes on with late timers. */
  | (OnServer & { readonly kind: "pause" })
  /** Everything on its way to and from it takes longer. */
  | (OnServer & { readonly kind: "slow"; readonly delayMs: number })
  /** The wall clock jumps. */
  | (OnServer & { readonly kind: "clock"; readonly byMs: number })
  /** Its disk takes long to make things durable. */
  | (OnServer & { readonly kind: "slow disk"; readonly syncMs: number })
  /** An fsync fails, and the process ends. */
  | (OnServer & { readonly kind: "failed fsync" })
  | (OnServer & { readonly kind: "full disk" })
  /** Bits of stored rows or files flip. */
  | (OnServer & { readonly kind: "bit flips"; readonly flips: number; readonly what: "records" | "chunks" })
  /** Power for all goes at once. */
  | (Timed & { readonly kind: "blackout" })
  /** These machines do not reach the others, nor are they reached; the rest includes all clients but the first. */
  | (Timed & { readonly kind: "partition"; readonly servers: readonly number[] })
  /** What this machine sends does not arrive, or what is sent to it. */
  | (OnServer & { readonly kind: "one-way"; readonly lost: "sent" | "received"; readonly peers: readonly number[] })
  /** Connections break, and what is on them is lost. */
  | (Timed & { readonly kind: "broken connections"; readonly count: number })
  /** A client dies in the middle of what it does, and another one takes its place. */
  | (Timed & { readonly kind: "client dies"; readonly client: number });

export type FaultKind = Fault["kind"];

export interface FaultRanges {
  readonly nodes: number;
  readonly replicas: number;
  /** The smallest W: how many copies of what was acknowledged there are for certain. */
  readonly minWrite: number;
  /** The largest R: with R = N nobody can do without the vote that a damaged record has forgotten. */
  readonly maxRead: number;
  readonly troubleMs: number;
  /** Leases are short, so clocks must not jump far. */
  readonly hasty: boolean;
}

const weights: Readonly<Record<FaultKind, number>> = {
  kill: 5,
  power: 3,
  restart: 2,
  pause: 4,
  slow: 2,
  clock: 1,
  "slow disk": 2,
  "failed fsync": 1,
  "full disk": 1,
  "bit flips": 1,
  blackout: 0.7,
  partition: 4,
  "one-way": 3,
  "broken connections": 3,
  "client dies": 1,
};

const durationsMs: readonly (readonly [number, number])[] = [
  [5, 100],
  [100, 2_000],
  [1_000, 12_000],
];

/** A few kinds for each run, so that some are calm and others see one trouble often. */
export function drawFaults(random: Prng, ranges: FaultRanges): readonly Fault[] {
  const count = random.pick([0, 2, 4, 8, 12]);
  const mayDamage = ranges.minWrite > 1 && ranges.maxRead < ranges.replicas;
  const kinds = (Object.keys(weights) as FaultKind[]).filter((kind) => kind !== "bit flips" || mayDamage);
  const chosen = Object.fromEntries(kinds.map((kind) => [kind, random.chance(0.5) ? weights[kind] : 0]));
  if (Object.values(chosen).every((weight) => weight === 0)) chosen["kill"] = 1;
  const faults = Array.from({ length: count }, () => drawFault(random, random.weighted(chosen) as FaultKind, ranges));
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function drawFault(random: Prng, kind: FaultKind, ranges: FaultRanges): Fault {
  const { nodes, troubleMs, hasty } = ranges;
  const atMs = random.between(0, troubleMs);
  const [shortest, longest] = random.pick(durationsMs);
  const forMs = random.between(shortest, longest);
  const dataNode = random.below(nodes);
  const server = random.chance(0.15) ? -1 : dataNode;
  const others = Array.from({ length: nodes + 1 }, (_, index) => index - 1).filter((index) => index !== server);
  const timed = { atMs, forMs };
  const on = { ...timed, server };
  switch (kind) {
    case "kill":
    case "power":
    case "restart":
    case "pause":
    case "failed fsync":
      return { kind, ...on };
    case "slow":
      return { kind, ...on, delayMs: random.between(5, 1_500) };
    case "clock":
      return { kind, ...on, byMs: random.pick([-1, 1]) * Math.round(random.between(1, hasty ? 1_000 : 3_600_000)) };
    case "slow disk":
      return { kind, ...on, syncMs: random.between(20, 1_500) };
    case "full disk":
      return { kind, ...timed, server: dataNode };
    case "bit flips":
      // On one node only, as long as it is not known which others hold copies.
      return {
        kind,
        ...timed,
        server: 0,
        flips: 1 + random.below(4),
        what: random.pick(["records", "chunks"] as const),
      };
    case "blackout":
      return { kind, ...timed, forMs: Math.min(forMs, 3_000) };
    case "partition": {
      const servers = Array.from({ length: nodes + 1 }, (_, index) => index - 1).filter(() => random.chance(0.4));
      return { kind, ...timed, servers };
    }
    case "one-way":
      return {
        kind,
        ...on,
        lost: random.pick(["sent", "received"] as const),
        peers: others.filter(() => random.chance(0.6)),
      };
    case "broken connections":
      return { kind, ...timed, count: 1 + random.below(20) };
    case "client dies":
      return { kind, ...timed, client: random.below(4) };
  }
}
