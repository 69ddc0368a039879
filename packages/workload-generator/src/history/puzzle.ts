/**
 * A history of one file, made ready for the search: values are numbers, what says nothing is left out, and what follows
 * without search is filled in.
 */
import { type Operation, type OperationCondition, type ReadOperation, type WriteOperation } from "./operation.js";
import { type Change, type Sight, type Test, absent } from "./register-state.js";

interface Interval {
  readonly startedAt: number;
  /** Infinity if the outcome is unknown. */
  readonly endedAt: number;
}

/** An operation that has taken effect and must find its place in the order. */
export type Piece = Interval &
  (
    | { readonly kind: "sight"; readonly sight: Sight }
    | {
        readonly kind: "change";
        readonly change: Change;
        /** Nobody saw the version or will ask for the value: such writes differ in nothing but their times. */
        readonly plain: boolean;
      }
  );

/**
 * Changes that may have happened or not and that nothing tells apart but when they began, in that order. Whoever uses
 * one may as well use the one that began first.
 */
export interface Maybes {
  readonly change: Change;
  readonly startsAt: readonly number[];
}

export interface Puzzle {
  /** In order of start. */
  readonly pieces: readonly Piece[];
  readonly maybes: readonly Maybes[];
  /**
   * For each value: whether only one operation wrote it. Once overwritten, it never comes back.
   */
  readonly writtenOnce: readonly boolean[];
}

/** Undefined if the operations contradict each other on the face of it. */
export function makePuzzle(operations: readonly Operation[]): Puzzle | undefined {
  const writes = operations.filter((operation): operation is WriteOperation => mayWrite(operation));
  const values = new Map<string, WriteOperation[]>();
  for (const write of writes) {
    const writers = values.get(write.value);
    if (writers) writers.push(write);
    else values.set(write.value, [write]);
  }
  const versions = versionsRead(operations, values);
  if (!versions) return undefined;

  const numbers = new Map([...values.keys()].map((value, index) => [value, index]));
  // A condition may ask for a value that nobody wrote: it has a number too, which no state ever has.
  const numberOf = (value: string): number => numbers.get(value) ?? values.size;
  const asked = valuesAskedFor(operations);
  const read = valuesRead(operations);

  const pieces: Piece[] = [];
  const maybes = new Map<string, { change: Change; startsAt: number[] }>();
  for (const operation of operations) {
    const { startedAt, endedAt } = operation;
    const sight = sightOf(operation, numberOf);
    if (sight) {
      pieces.push({ kind: "sight", sight, startedAt, endedAt });
      continue;
    }
    if (operation.kind === "read" || operation.outcome.kind === "failed") continue;
    const { outcome } = operation;
    const test = testOf(operation.kind, operation.condition, numberOf);
    const version = outcome.kind === "done" ? outcome.version : undefined;
    if (operation.kind === "delete") {
      const change = { test, content: absent, version };
      if (outcome.kind === "done") pieces.push({ kind: "change", change, plain: false, startedAt, endedAt });
      else addMaybe(maybes, `delete ${keyOf(test)}`, change, startedAt);
      continue;
    }
    const { value } = operation;
    const content = numberOf(value);
    const change = { test, content, version: version ?? versions.get(value) };
    if (outcome.kind === "done") {
      const plain = test.kind === "none" && change.version === undefined && !asked.has(value);
      pieces.push({ kind: "change", change, plain, startedAt, endedAt });
    } else if (read.has(value) && values.get(value)?.length === 1) {
      // Its outcome was not seen, its effect was.
      pieces.push({ kind: "change", change, plain: false, startedAt, endedAt: Infinity });
    } else addMaybe(maybes, `write ${asked.has(value) ? content : ""} ${keyOf(test)}`, change, startedAt);
  }
  pieces.sort((a, b) => a.startedAt - b.startedAt);
  for (const { startsAt } of maybes.values()) startsAt.sort((a, b) => a - b);
  return {
    pieces,
    maybes: [...maybes.values()],
    writtenOnce: [...values.values()].map((writers) => writers.length === 1),
  };
}

function mayWrite(operation: Operation): boolean {
  return operation.kind === "write" && (operation.outcome.kind === "done" || operation.outcome.kind === "unknown");
}

function found(operation: Operation): operation is ReadOperation & { outcome: { kind: "found" } } {
  return operation.kind === "read" && operation.outcome.kind === "found";
}

function valuesRead(operations: readonly Operation[]): Set<string> {
  return new Set(operations.filter(found).map(({ outcome }) => outcome.value));
}

/** Values that reads returned or conditions named. */
function valuesAskedFor(operations: readonly Operation[]): Set<string> {
  const asked = valuesRead(operations);
  for (const operation of operations) {
    if (operation.kind !== "read" && operation.condition?.kind === "value") asked.add(operation.condition.value);
  }
  return asked;
}

/** For each value that was written once, the version under which it was read. Undefined if a read is impossible. */
function versionsRead(
  operations: readonly Operation[],
  values: ReadonlyMap<string, readonly WriteOperation[]>,
): Map<string, number> | undefined {
  const versions = new Map<string, number>();
  for (const operation of operations) {
    if (!found(operation)) continue;
    const { value, version } = operation.outcome;
    const writers = values.get(value) ?? [];
    if (!writers.some(({ startedAt }) => startedAt <= operation.endedAt)) return undefined;
    const [write] = writers;
    if (writers.length !== 1 || version === undefined || write === undefined) continue;
    const known = versions.get(value) ?? (write.outcome.kind === "done" ? write.outcome.version : undefined);
    if (known !== undefined && known !== version) return undefined;
    versions.set(value, version);
  }
  return versions;
}

function sightOf(operation: Operation, numberOf: (value: string) => number): Sight | undefined {
  const { outcome } = operation;
  switch (outcome.kind) {
    case "found":
      return { kind: "found", value: numberOf(outcome.value), version: outcome.version };
    case "absent":
      return { kind: "absent" };
    case "condition_failed":
      if (operation.kind === "read") return undefined;
      return {
        kind: "refused",
        test: testOf(operation.kind, operation.condition, numberOf),
        currentVersion: outcome.currentVersion,
      };
    case "done":
    case "failed":
    case "unknown":
      return undefined;
  }
}

function testOf(
  kind: "write" | "delete",
  condition: OperationCondition | undefined,
  numberOf: (value: string) => number,
): Test {
  if (condition === undefined) return { kind: kind === "delete" ? "exists" : "none" };
  return condition.kind === "value" ? { kind: "value", value: numberOf(condition.value) } : condition;
}

function keyOf(test: Test): string {
  if (test.kind === "version") return `version ${test.version}`;
  return test.kind === "value" ? `value ${test.value}` : test.kind;
}

function addMaybe(
  maybes: Map<string, { change: Change; startsAt: number[] }>,
  key: string,
  change: Change,
  startedAt: number,
): void {
  const group = maybes.get(key);
  if (group) group.startsAt.push(startedAt);
  else maybes.set(key, { change, startsAt: [startedAt] });
}
