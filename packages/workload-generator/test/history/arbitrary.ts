import fc from "fast-check";
import type { MutationOutcome, Operation, OperationCondition } from "../../src/index.js";

const value = fc.constantFrom("a", "b", "c");
const version = fc.integer({ min: 1, max: 5 });
const mutationCondition = fc.oneof(
  fc.record({ kind: fc.constant("version" as const), version }),
  fc.record({ kind: fc.constant("value" as const), value }),
);
const condition = fc.oneof(fc.constant({ kind: "absent" as const }), mutationCondition);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const outcome: fc.Arbitrary<MutationOutcome> = fc.oneof(
  { weight: 6, arbitrary: maybe(version).map((it) => ({ kind: "done" as const, ...field("version", it) })) },
  {
    weight: 2,
    arbitrary: maybe(fc.integer({ min: 0, max: 5 })).map((it) => ({
      kind: "condition_failed" as const,
      ...field("currentVersion", it),
    })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "failed" as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: "unknown" as const }) },
);

function field<Name extends string, T>(name: Name, it: T | undefined): { [K in Name]?: T } {
  return it === undefined ? {} : ({ [name]: it } as { [K in Name]?: T });
}

const times = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 6 }))
  .map(([startedAt, length]) => ({ file: "f", client: "c", startedAt, endedAt: startedAt + length }));

/** Operations that have nothing to do with each other: mostly impossible histories. */
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(times, value, maybe(version)).map(([time, seen, at]) => ({
    ...time,
    kind: "read" as const,
    outcome: { kind: "found" as const, value: seen, ...field("version", at) },
  })),
  times.map((time) => ({ ...time, kind: "read" as const, outcome: { kind: "absent" as const } })),
  fc.tuple(times, value, maybe(condition), outcome).map(([time, written, when, came]) => ({
    ...time,
    kind: "write" as const,
    value: written,
    ...field("condition", when),
    outcome: came,
  })),
  fc.tuple(times, maybe(mutationCondition), outcome).map(([time, when, came]) => ({
    ...time,
    kind: "delete" as const,
    ...field("condition", when),
    outcome: came,
  })),
);

export const anyHistory = fc.array(anyOperation, { minLength: 1, maxLength: 6 });

interface Step {
  readonly action: "read" | "write" | "delete";
  readonly value: string;
  readonly when: OperationCondition | undefined;
  readonly slack: readonly [number, number];
  readonly versionStep: number;
  readonly outcome: "seen" | "half seen" | "unknown, done" | "unknown, not done";
}

function step(values: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  return fc.record({
    action: fc.constantFrom("read", "write", "write", "delete"),
    value: values,
    when: maybe(condition),
    slack: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
    versionStep: fc.integer({ min: 1, max: 2 }),
    outcome: fc.constantFrom("seen", "seen", "half seen", "unknown, done", "unknown, not done"),
  });
}

/** What a register really did, step by step, seen by clients whose calls began earlier and ended later. */
export function possibleHistory(options: { maxLength: number; unique?: boolean }): fc.Arbitrary<Operation[]> {
  return fc
    .array(step(value), { minLength: 1, maxLength: options.maxLength })
    .map((steps) => play(options.unique ? steps.map((it, index) => ({ ...it, value: `v${index}` })) : steps));
}

function play(steps: readonly Step[]): Operation[] {
  let current: string | undefined;
  let at = 0;
  return steps.map((it, index): Operation => {
    const time = {
      file: "f",
      client: `c${index}`,
      startedAt: index * 2 - it.slack[0],
      endedAt: index * 2 + it.slack[1],
    };
    const seeVersion = it.outcome === "seen";
    const unknown = it.outcome === "unknown, done" || it.outcome === "unknown, not done";
    if (it.action === "read") {
      if (unknown) return { ...time, kind: "read", outcome: { kind: "unknown" } };
      if (current === undefined) return { ...time, kind: "read", outcome: { kind: "absent" } };
      return {
        ...time,
        kind: "read",
        outcome: { kind: "found", value: current, ...(seeVersion ? { version: at } : {}) },
      };
    }
    const when = it.action === "delete" && it.when?.kind === "absent" ? undefined : it.when;
    const holds = when === undefined ? it.action === "write" || current !== undefined : meets(when, current, at);
    const found = current === undefined ? 0 : at;
    const isDone = holds && it.outcome !== "unknown, not done";
    if (isDone) {
      current = it.action === "write" ? it.value : undefined;
      at += it.versionStep;
    }
    const outcome: MutationOutcome = unknown
      ? { kind: "unknown" }
      : isDone
        ? { kind: "done", ...(seeVersion ? { version: at } : {}) }
        : { kind: "condition_failed", ...(seeVersion ? { currentVersion: found } : {}) };
    if (it.action === "write") {
      return { ...time, kind: "write", value: it.value, ...field("condition", when), outcome };
    }
    return { ...time, kind: "delete", ...field("condition", when?.kind === "absent" ? undefined : when), outcome };
  });
}

function meets(when: OperationCondition, current: string | undefined, at: number): boolean {
  switch (when.kind) {
    case "absent":
      return current === undefined;
    case "version":
      return current !== undefined && at === when.version;
    case "value":
      return current === when.value;
  }
}

/** A possible history in which one operation was moved in time or saw something else: possible or not. */
export const bentHistory: fc.Arbitrary<Operation[]> = fc
  .tuple(possibleHistory({ maxLength: 6 }), anyOperation, fc.nat(), fc.integer({ min: -8, max: 8 }))
  .map(([history, other, where, shift]) => {
    const index = where % history.length;
    return history.map((operation, at) => {
      if (at !== index) return operation;
      if (shift === 0) return other;
      return { ...operation, startedAt: operation.startedAt + shift, endedAt: operation.endedAt + shift };
    });
  });
