/**
 * The sequential register that a history is measured against, with versions that may be known only in part: the version
 * of a write whose outcome nobody saw is bounded from below by its predecessor's, until an observation names it.
 */

/** Stands for "the file does not exist" among the numbers that stand for values. */
export const absent = -1;

export interface RegisterState {
  /** Number of the value, or {@link absent}. */
  readonly content: number;
  /** Lowest version that the state can have; the version itself if `exact`. */
  readonly version: number;
  readonly exact: boolean;
  /** Versions above `version` that observations have ruled out, ascending; empty if `exact`. */
  readonly excluded: readonly number[];
}

const none: readonly number[] = [];

export const initialState: RegisterState = { content: absent, version: 0, exact: true, excluded: none };

export type Test =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "exists" }
  | { readonly kind: "version"; readonly version: number }
  | { readonly kind: "value"; readonly value: number };

/** What an operation saw. */
export type Sight =
  | { readonly kind: "absent" }
  | { readonly kind: "found"; readonly value: number; readonly version: number | undefined }
  | { readonly kind: "refused"; readonly test: Test; readonly currentVersion: number | undefined };

export interface Change {
  readonly test: Test;
  readonly content: number;
  /** Version that the change made, if anybody saw it. */
  readonly version: number | undefined;
}

/**
 * The state after somebody saw it: the same object if it fits and teaches nothing, a narrower one if it names or rules
 * out a version, undefined if it contradicts.
 */
export function look(state: RegisterState, sight: Sight): RegisterState | undefined {
  switch (sight.kind) {
    case "absent":
      return state.content === absent ? state : undefined;
    case "found":
      if (state.content !== sight.value) return undefined;
      return sight.version === undefined ? state : withVersion(state, sight.version);
    case "refused":
      return lookRefused(state, sight.test, sight.currentVersion);
  }
}

function lookRefused(state: RegisterState, test: Test, currentVersion: number | undefined): RegisterState | undefined {
  if (currentVersion === 0 && state.content !== absent) return undefined;
  let seen: RegisterState | undefined = state;
  if (currentVersion !== undefined && currentVersion !== 0) {
    seen = state.content === absent ? undefined : withVersion(state, currentVersion);
  }
  return seen && fail(seen, test);
}

/** The state as it is if `test` does not hold of it. */
function fail(state: RegisterState, test: Test): RegisterState | undefined {
  const live = state.content !== absent;
  switch (test.kind) {
    case "none":
      return undefined;
    case "absent":
      return live ? state : undefined;
    case "exists":
      return live ? undefined : state;
    case "version":
      return live ? withoutVersion(state, test.version) : state;
    case "value":
      return state.content === test.value ? undefined : state;
  }
}

/** The state as it is if `test` holds of it. */
function pass(state: RegisterState, test: Test): RegisterState | undefined {
  const live = state.content !== absent;
  switch (test.kind) {
    case "none":
      return state;
    case "absent":
      return live ? undefined : state;
    case "exists":
      return live ? state : undefined;
    case "version":
      return live ? withVersion(state, test.version) : undefined;
    case "value":
      return state.content === test.value ? state : undefined;
  }
}

/** The state after a change, or undefined if the change cannot happen in it. */
export function change(state: RegisterState, { test, content, version }: Change): RegisterState | undefined {
  const before = pass(state, test);
  if (before === undefined) return undefined;
  if (version === undefined) return { content, version: before.version + 1, exact: false, excluded: none };
  return version > before.version ? { content, version, exact: true, excluded: none } : undefined;
}

function withVersion(state: RegisterState, version: number): RegisterState | undefined {
  if (state.exact) return state.version === version ? state : undefined;
  if (version < state.version || state.excluded.includes(version)) return undefined;
  return { content: state.content, version, exact: true, excluded: none };
}

function withoutVersion(state: RegisterState, version: number): RegisterState | undefined {
  if (state.exact) return state.version === version ? undefined : state;
  if (version < state.version || state.excluded.includes(version)) return state;
  let lowest = state.version;
  const excluded = [...state.excluded, version].sort((a, b) => a - b);
  while (excluded[0] === lowest) {
    excluded.shift();
    lowest += 1;
  }
  return { content: state.content, version: lowest, exact: false, excluded };
}
