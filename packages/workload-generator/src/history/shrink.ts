/**
 * Makes a history that is not linearizable short enough to be understood. Leaving a write out would make up violations:
 * whoever saw its effect would then have seen something impossible. So what is left out is not taken away but set free:
 * a mutation becomes one that may have happened at any time after its start, unconditionally, or never. What contradicts
 * itself even then does so whatever else happened (after Zeller and Hildebrandt 2002).
 */
import type { MutationOperation, Operation } from "./operation.js";

type Fails = (operations: readonly Operation[]) => boolean;

// Each trial checks what is left. Long histories shrink by half in a trial at first, so this suffices for nearly all.
const trialsMax = 2_000;

/** Above this the first steps are rough ones. */
const longHistory = 1_000;

interface Sketch {
  /** Operations as they happened. */
  readonly strict: readonly Operation[];
  /** Mutations that were set free. */
  readonly free: readonly MutationOperation[];
}

/** @param operations of one file, not linearizable */
export function shrink(operations: readonly Operation[], fails: Fails): readonly Operation[] {
  const shrinking = new Shrinking(shortestFailing(operations, fails), fails);
  // Roughly at first: each trial takes time in proportion to what is left.
  shrinking.leaveOut(() => true, longHistory);
  // Then reads before writes: what the writes do not need said again makes the shorter story.
  shrinking.leaveOut(isRead);
  shrinking.leaveOut((operation) => !isRead(operation));
  shrinking.leaveOut(isRead);
  return withContext(shrinking.sketch);
}

class Shrinking {
  sketch: Sketch;
  readonly #fails: Fails;
  #trialsLeft = trialsMax;

  constructor(strict: readonly Operation[], fails: Fails) {
    this.sketch = { strict, free: [] };
    this.#fails = fails;
  }

  /**
   * Leaves out what it can of the operations for which `mayLeave` holds: halves, quarters, and so on to single ones, or
   * until there are no more than `enough`.
   */
  leaveOut(mayLeave: (operation: Operation) => boolean, enough = 0): void {
    for (let length = this.sketch.strict.length; length >= 1; length = Math.floor(length / 2)) {
      let from = 0;
      while (this.sketch.strict.length > enough) {
        const leaving = this.sketch.strict.filter(mayLeave).slice(from, from + length);
        if (leaving.length === 0 || this.#trialsLeft === 0) break;
        this.#trialsLeft -= 1;
        const smaller = without(this.sketch, new Set(leaving));
        if (this.#fails([...smaller.strict, ...smaller.free.map(setFree)])) this.sketch = smaller;
        else from += length;
      }
    }
  }
}

function isRead({ kind }: Operation): boolean {
  return kind === "read";
}

/** Cuts the history off at the earliest time at which it is wrong already, roughly if it is long. What was under way then is unknown. */
function shortestFailing(operations: readonly Operation[], fails: Fails): readonly Operation[] {
  const ends = [...new Set(operations.map(({ endedAt }) => endedAt))].sort((a, b) => a - b);
  const slack = operations.length > longHistory ? ends.length / 64 : 0;
  let low = 0;
  let high = ends.length - 1;
  while (high - low > slack) {
    const middle = Math.floor((low + high) / 2);
    if (fails(cutOff(operations, ends[middle] ?? Infinity))) high = middle;
    else low = middle + 1;
  }
  const shortest = cutOff(operations, ends[high] ?? Infinity);
  return fails(shortest) ? shortest : operations;
}

function cutOff(operations: readonly Operation[], time: number): readonly Operation[] {
  return operations.flatMap((operation) => {
    if (operation.endedAt <= time || operation.startedAt > time) return operation.endedAt <= time ? [operation] : [];
    const open = operation.kind !== "read" && ["done", "unknown"].includes(operation.outcome.kind);
    return open ? [{ ...operation, outcome: { kind: "unknown" } }] : [];
  });
}

function without({ strict, free }: Sketch, leaving: ReadonlySet<Operation>): Sketch {
  const rest = strict.filter((operation) => !leaving.has(operation));
  const mutations = strict.filter((operation): operation is MutationOperation => {
    const { kind } = operation.outcome;
    return leaving.has(operation) && operation.kind !== "read" && (kind === "done" || kind === "unknown");
  });
  return { strict: rest, free: useful([...free, ...mutations], rest) };
}

/**
 * Between two changes that nobody saw, at least one of the operations that are left must have met the first one, or it
 * was in vain. So of what nobody saw, no more are of use than operations are left.
 */
function useful(free: readonly MutationOperation[], strict: readonly Operation[]): readonly MutationOperation[] {
  const isSeen = seenBy(strict);
  const seen = free.filter(isSeen);
  const unseen = free.filter((operation) => !isSeen(operation)).sort((a, b) => a.startedAt - b.startedAt);
  const writes = unseen.filter(({ kind }) => kind === "write").slice(0, strict.length);
  const deletes = unseen.filter(({ kind }) => kind === "delete").slice(0, strict.length);
  return [...seen, ...writes, ...deletes];
}

function setFree(operation: MutationOperation): MutationOperation {
  const { condition: _, ...rest } = operation;
  return { ...rest, outcome: { kind: "unknown" } };
}

/** The contradiction, with the writes of what its operations saw. */
function withContext({ strict, free }: Sketch): readonly Operation[] {
  return [...strict, ...free.filter(seenBy(strict))].sort((a, b) => a.startedAt - b.startedAt);
}

/** Whether one of `operations` saw the value or the version that a mutation made, or asked for it. */
function seenBy(operations: readonly Operation[]): (mutation: MutationOperation) => boolean {
  const values = new Set<string>();
  const versions = new Set<number>();
  for (const operation of operations) {
    const { outcome } = operation;
    if (outcome.kind === "found") {
      values.add(outcome.value);
      if (outcome.version !== undefined) versions.add(outcome.version);
    }
    if (outcome.kind === "condition_failed" && outcome.currentVersion) versions.add(outcome.currentVersion);
    if (operation.kind === "read" || !operation.condition) continue;
    if (operation.condition.kind === "value") values.add(operation.condition.value);
    if (operation.condition.kind === "version") versions.add(operation.condition.version);
  }
  return (mutation) =>
    (mutation.kind === "write" && values.has(mutation.value)) ||
    (mutation.outcome.kind === "done" &&
      mutation.outcome.version !== undefined &&
      versions.has(mutation.outcome.version));
}
