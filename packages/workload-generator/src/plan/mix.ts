import type { Draw } from "./seeded-random.js";

/** In the order in which reports show them. */
export const operationKinds = [
  "get",
  "put",
  "put if absent",
  "put if version",
  "put if match",
  "delete",
  "stat",
  "list",
  "state",
  "node state",
  "under-replicated",
  "nodes",
] as const;
export type OperationKind = (typeof operationKinds)[number];

export const modes = ["read-heavy", "write-heavy", "balanced", "state-query"] as const;
export type Mode = (typeof modes)[number];

/** Operations with their shares, which need not add up to anything. */
export type Mix = readonly (readonly [kind: OperationKind, share: number])[];

export function readRatioOf(mode: Exclude<Mode, "state-query">): number {
  switch (mode) {
    case "read-heavy":
      return 0.95;
    case "write-heavy":
      return 0.05;
    case "balanced":
      return 0.5;
  }
}

/**
 * What is asked about files and nodes, and nothing written: single files, pages of a listing, the state of a directory
 * with the holders of each file, the same of one DataNode, its files that lack copies, and the list of nodes.
 */
export const stateQueryMix: Mix = [
  ["stat", 0.4],
  ["list", 0.25],
  ["state", 0.1],
  ["node state", 0.1],
  ["under-replicated", 0.05],
  ["nodes", 0.1],
];

/**
 * Reads and writes. To be verified, a tenth of the writes is conditional or deletes: those are what a weaker protocol
 * gets wrong first.
 */
export function fileMix(options: { readRatio: number; conditional: boolean }): Mix {
  const { readRatio, conditional } = options;
  const writes = 1 - readRatio;
  if (!conditional) return [...share("get", readRatio), ...share("put", writes)];
  return [
    ...share("get", readRatio),
    ...share("put", writes * 0.9),
    ...share("put if absent", writes * 0.02),
    ...share("put if version", writes * 0.02),
    ...share("put if match", writes * 0.02),
    ...share("delete", writes * 0.04),
  ];
}

function share(kind: OperationKind, of: number): Mix {
  return of > 0 ? [[kind, of]] : [];
}

export function chooseKind(mix: Mix, draw: Draw): OperationKind {
  const total = mix.reduce((sum, [, part]) => sum + part, 0);
  let left = draw() * total;
  for (const [kind, part] of mix) {
    left -= part;
    if (left < 0) return kind;
  }
  // Rounding may leave a trifle over.
  return mix.at(-1)?.[0] ?? "get";
}

/** How reports group operations: whatever changes a file is a write. */
export function isWrite(kind: OperationKind): boolean {
  switch (kind) {
    case "put":
    case "put if absent":
    case "put if version":
    case "put if match":
    case "delete":
      return true;
    case "get":
    case "stat":
    case "list":
    case "state":
    case "node state":
    case "under-replicated":
    case "nodes":
      return false;
  }
}
