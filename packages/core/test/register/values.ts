import type { Ballot, ReplicaState, Value } from "../../src/index.js";

export function ballot(counter: number, node = 1, incarnation = 1): Ballot {
  return { counter, node, incarnation };
}

export function live(parts: Partial<Value> = {}): Value {
  return {
    kind: "live",
    version: ballot(1),
    size: 1,
    etag: Uint8Array.of(9),
    modifiedAtMs: 0,
    content: { kind: "inline", bytes: Uint8Array.of(9) },
    attributes: new Map(),
    ring: [],
    ...parts,
  };
}

export function tombstone(parts: Partial<Value> = {}): Value {
  return live({ kind: "tombstone", size: 0, etag: new Uint8Array(0), content: { kind: "none" }, ...parts });
}

export function state(parts: Partial<ReplicaState> = {}): ReplicaState {
  return {
    kind: "state",
    accepted: { counter: 0, node: 0, incarnation: 0 },
    value: undefined,
    committed: { counter: 0, node: 0, incarnation: 0 },
    floor: 0,
    ...parts,
  };
}
