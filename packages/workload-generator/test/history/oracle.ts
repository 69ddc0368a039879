import type { Operation, OperationCondition } from "../../src/index.js";

/**
 * The dumbest checker that is right: tries every order of every choice of unknown mutations, then looks whether versions
 * can be given to the states of that order. For histories of a handful of operations on one file.
 */
export function isLinearizableByBruteForce(operations: readonly Operation[]): boolean {
  const meaningful = operations.filter(
    ({ kind, outcome }) => outcome.kind !== "failed" && !(kind === "read" && outcome.kind === "unknown"),
  );
  return extend([], meaningful);
}

function extend(order: readonly Operation[], left: readonly Operation[]): boolean {
  if (left.every(({ outcome }) => outcome.kind === "unknown") && fits(order)) return true;
  return left.some((operation) => {
    const tooEarly = left.some(
      (other) => other !== operation && other.outcome.kind !== "unknown" && other.endedAt < operation.startedAt,
    );
    return (
      !tooEarly &&
      extend(
        [...order, operation],
        left.filter((other) => other !== operation),
      )
    );
  });
}

interface Stage {
  readonly value: string | undefined;
  /** Versions that the stage must have; it can have but one. */
  readonly is: Set<number>;
  readonly isNot: Set<number>;
}

function fits(order: readonly Operation[]): boolean {
  let stage: Stage = { value: undefined, is: new Set([0]), isNot: new Set() };
  const stages = [stage];
  for (const operation of order) {
    const { outcome } = operation;
    if (outcome.kind === "found") {
      if (stage.value !== outcome.value) return false;
      if (outcome.version !== undefined) stage.is.add(outcome.version);
    } else if (outcome.kind === "absent") {
      if (stage.value !== undefined) return false;
    } else if (operation.kind !== "read") {
      const condition = operation.condition ?? (operation.kind === "delete" ? { kind: "exists" } : { kind: "none" });
      if (outcome.kind === "condition_failed") {
        if (!refuses(stage, condition, outcome.currentVersion)) return false;
      } else {
        if (!allows(stage, condition)) return false;
        stage = { value: operation.kind === "write" ? operation.value : undefined, is: new Set(), isNot: new Set() };
        if (outcome.kind === "done" && outcome.version !== undefined) stage.is.add(outcome.version);
        stages.push(stage);
      }
    }
  }
  return canBeNumbered(stages);
}

type Condition = OperationCondition | { readonly kind: "exists" } | { readonly kind: "none" };

function allows(stage: Stage, condition: Condition): boolean {
  switch (condition.kind) {
    case "none":
      return true;
    case "exists":
      return stage.value !== undefined;
    case "absent":
      return stage.value === undefined;
    case "value":
      return stage.value === condition.value;
    case "version":
      stage.is.add(condition.version);
      return stage.value !== undefined;
  }
}

function refuses(stage: Stage, condition: Condition, currentVersion: number | undefined): boolean {
  if (currentVersion === 0 && stage.value !== undefined) return false;
  if (currentVersion !== undefined && currentVersion !== 0) {
    if (stage.value === undefined) return false;
    stage.is.add(currentVersion);
  }
  if (condition.kind === "version") {
    if (stage.value !== undefined) stage.isNot.add(condition.version);
    return true;
  }
  return !allows(stage, condition);
}

function canBeNumbered(stages: readonly Stage[]): boolean {
  let previous = -1;
  for (const { is, isNot } of stages) {
    if (is.size > 1) return false;
    let version = previous + 1;
    for (const wanted of is) {
      if (wanted < version) return false;
      version = wanted;
    }
    if (is.size === 1 && isNot.has(version)) return false;
    while (isNot.has(version)) version += 1;
    previous = version;
  }
  return true;
}
