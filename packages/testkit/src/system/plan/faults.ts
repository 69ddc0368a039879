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
  | (Timed & { readonly kind: "client dies"; readonly client: number })
  | Change;

/** What operators do to the layout, and what makes it change by itself. */
export type Change =
  /** A new machine joins, and gets its share. */
  | (Timed & { readonly kind: "add node" })
  /** Gives its share away, and gets it back later. */
  | (OnServer & { readonly kind: "drain" })
  | (OnServer & { readonly kind: "remove" })
  /** A new machine takes over what it held. */
  | (OnServer & { readonly kind: "replace" })
  /** Whatever is moving is stopped. */
  | (Timed & { readonly kind: "stop change" })
  /** Its disk is empty all of a sudden. */
  | (OnServer & { readonly kind: "lost disk" })
  /** Its disk shows what was on it a while ago. */
  | (OnServer & { readonly kind: "old disk" });

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

const weights = {
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
  "add node": 2,
  drain: 2,
  remove: 1,
  replace: 2,
  "stop change": 0.5,
  "lost disk": 1,
  "old disk": 1,
} satisfies Readonly<Record<FaultKind, number>>;

const allKinds = Object.keys(weights).filter((kind): kind is FaultKind => kind in weights);

/** What takes a vote away for good. One of them at most: two could take what was acknowledged. */
const losses: ReadonlySet<FaultKind> = new Set(["bit flips", "lost disk", "old disk"]);

/** What ends a process before its time, or changes its disk. */
const forgetting: ReadonlySet<FaultKind> = new Set([
  "kill",
  "power",
  "failed fsync",
  "full disk",
  "blackout",
  ...losses,
]);

/** Whether a DataNode does not have afterwards what it has said that it has. */
export function makesForget(fault: Fault): boolean {
  return forgetting.has(fault.kind) && !("server" in fault && fault.server === -1);
}

const durationsMs: readonly (readonly [number, number])[] = [
  [5, 100],
  [100, 2_000],
  [1_000, 12_000],
];

/** A few kinds for each run, so that some are calm and others see one trouble often. */
export function drawFaults(random: Prng, ranges: FaultRanges): readonly Fault[] {
  const count = random.pick([0, 2, 4, 8, 12]);
  const mayDamage = ranges.minWrite > 1 && ranges.maxRead < ranges.replicas;
  const loss = random.pick([...losses]);
  const kinds = allKinds.filter((kind) => !losses.has(kind) || (mayDamage && kind === loss));
  const chosen = { ...weights };
  for (const kind of allKinds) if (!kinds.includes(kind) || random.chance(0.5)) chosen[kind] = 0;
  if (Object.values(chosen).every((weight) => weight === 0)) chosen.kill = 1;
  const faults = Array.from({ length: count }, () => drawFault(random, random.weighted(chosen), ranges));
  const [firstLoss] = faults.filter(({ kind }) => losses.has(kind));
  return faults.filter((fault) => !losses.has(fault.kind) || fault === firstLoss).sort((a, b) => a.atMs - b.atMs);
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
    case "drain":
    case "remove":
    case "replace":
    case "lost disk":
    case "old disk":
      return { kind, ...timed, server: dataNode };
    case "add node":
    case "stop change":
      return { kind, ...timed };
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
