/**
 * What went wrong in a history, in words. The linearizability checker says for certain whether a history is one of
 * registers; these rules say which promise was broken, from versions alone: they grow from mutation to mutation of a file, and
 * whoever reads after an acknowledgement sees that version or a newer one.
 */
import type { Operation } from "@quorumfs/workload-generator";

export const violationKinds = [
  "lost",
  "stale",
  "corrupt",
  "double-winner",
  "resurrected",
  "not-linearizable",
  "not-recovered",
  "leaked",
  "crashed",
] as const;
export type ViolationKind = (typeof violationKinds)[number];

export interface Violation {
  readonly kind: ViolationKind;
  /** Undefined: of the cluster as a whole. */
  readonly file: string | undefined;
  readonly what: string;
  /** When it showed; undefined: at no particular time. */
  readonly atMs: number | undefined;
}

/** Examples of one kind and file are enough to look at. */
const perFileMax = 3;

interface Known {
  /** When the answer that told of it was there. */
  readonly atMs: number;
  readonly version: number;
  readonly isDelete: boolean;
}

/**
 * @param finalFrom reads that began then or later are of the healed cluster: what they lack is lost
 */
export function findViolations(history: readonly Operation[], finalFrom: number): readonly Violation[] {
  const files = new Map<string, Operation[]>();
  for (const operation of history) {
    const of = files.get(operation.file);
    if (of) of.push(operation);
    else files.set(operation.file, [operation]);
  }
  return [...files].flatMap(([file, operations]) => {
    const all = [
      ...corrupt(file, operations),
      ...staleOrLost(file, operations, finalFrom),
      ...doubleWinners(file, operations),
    ];
    return violationKinds.flatMap((kind) => all.filter((violation) => violation.kind === kind).slice(0, perFileMax));
  });
}

/** Contents that nobody has written. */
function corrupt(file: string, operations: readonly Operation[]): readonly Violation[] {
  const written = new Set(operations.flatMap((operation) => (operation.kind === "write" ? [operation.value] : [])));
  return operations.flatMap((operation): readonly Violation[] => {
    if (operation.kind !== "read" || operation.outcome.kind !== "found" || written.has(operation.outcome.value))
      return [];
    const what = `${operation.client} found a content that nobody has written`;
    return [{ kind: "corrupt", file, what, atMs: operation.endedAt }];
  });
}

/** Reads that show less than had been acknowledged or seen before they began. */
function staleOrLost(file: string, operations: readonly Operation[], finalFrom: number): readonly Violation[] {
  const known = operations.flatMap(knownFrom).sort((a, b) => a.atMs - b.atMs);
  const newest = prefixMaxima(known);
  const reads = operations.filter((operation) => operation.kind === "read");
  return reads.flatMap((read): readonly Violation[] => {
    const before = newest[lastBefore(known, read.startedAt)];
    if (!before) return [];
    const atMs = read.endedAt;
    const isFinal = read.startedAt >= finalFrom;
    const { outcome } = read;
    if (outcome.kind === "absent") {
      // A delete that is under way, or of unknown outcome, may have come first.
      const mayBeDeleted = before.isDelete || operations.some((other) => mayHaveDeleted(other, before, read.endedAt));
      if (mayBeDeleted) return [];
      const what = `${read.client} found nothing, after version ${before.version} was known`;
      return [{ kind: isFinal ? "lost" : "stale", file, what, atMs }];
    }
    if (outcome.kind !== "found" || outcome.version === undefined || outcome.version >= before.version) return [];
    const what = `${read.client} found version ${outcome.version}, after version ${before.version} was known`;
    return [{ kind: before.isDelete ? "resurrected" : isFinal ? "lost" : "stale", file, what, atMs }];
  });
}

function knownFrom(operation: Operation): readonly Known[] {
  const { kind, outcome, endedAt } = operation;
  if (kind === "read") {
    if (outcome.kind !== "found" || outcome.version === undefined) return [];
    return [{ atMs: endedAt, version: outcome.version, isDelete: false }];
  }
  if (outcome.kind !== "done" || outcome.version === undefined) return [];
  return [{ atMs: endedAt, version: outcome.version, isDelete: kind === "delete" }];
}

function prefixMaxima(known: readonly Known[]): readonly Known[] {
  const result: Known[] = [];
  for (const next of known) {
    const last = result.at(-1);
    result.push(last && last.version >= next.version ? last : next);
  }
  return result;
}

/** Index of the last entry strictly before a time; -1 if there is none. */
function lastBefore(known: readonly Known[], atMs: number): number {
  let [low, high] = [0, known.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((known[middle]?.atMs ?? Infinity) < atMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function mayHaveDeleted(operation: Operation, before: Known, untilMs: number): boolean {
  if (operation.kind !== "delete" || operation.startedAt > untilMs) return false;
  const { outcome } = operation;
  if (outcome.kind === "unknown") return true;
  return outcome.kind === "done" && (outcome.version === undefined || outcome.version > before.version);
}

/** Two writers of whom both were told that they had won on the same version. */
function doubleWinners(file: string, operations: readonly Operation[]): readonly Violation[] {
  const winners = new Map<number, string>();
  return operations.flatMap((operation): readonly Violation[] => {
    if (operation.kind === "read" || operation.outcome.kind !== "done") return [];
    if (operation.condition?.kind !== "version") return [];
    const { version } = operation.condition;
    const other = winners.get(version);
    winners.set(version, operation.client);
    if (other === undefined) return [];
    const what = `${other} and ${operation.client} both replaced version ${version}`;
    return [{ kind: "double-winner", file, what, atMs: operation.endedAt }];
  });
}
