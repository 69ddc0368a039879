import type { Ballot, NodeId, RangeEntry, RangePage, Value } from "../../src/index.js";
import { comparePaths, nodeId } from "../../src/index.js";

export function ballot(counter: number): Ballot {
  return { counter, node: 1, incarnation: 1 };
}

export function value(counter: number, kind: Value["kind"] = "live"): Value {
  return {
    kind,
    version: ballot(counter),
    size: counter,
    etag: new Uint8Array(0),
    modifiedAtMs: 0,
    content: { kind: kind === "live" ? "omitted" : "none" },
    attributes: new Map(),
    ring: [],
  };
}

export function record(
  path: string,
  counter: number,
  options: { readonly committed?: number; readonly kind?: Value["kind"] } = {},
): RangeEntry {
  const { committed = 0, kind = "live" } = options;
  const committedBallot = committed === 0 ? { counter: 0, node: 0, incarnation: 0 } : ballot(committed);
  return { kind: "record", path, accepted: ballot(counter), value: value(counter, kind), committed: committedBallot };
}

/** A page of these entries, cut after `limit`. */
export function page(entries: readonly RangeEntry[], limit = Infinity, floor = 0): RangePage {
  const sorted = [...entries].sort((a, b) => comparePaths(a.path, b.path));
  const shown = sorted.slice(0, limit);
  const truncated = shown.length < sorted.length;
  return { entries: shown, truncated, lastPath: truncated ? (shown.at(-1)?.path ?? "") : "", floor };
}

export function pages(...perNode: readonly RangePage[]): ReadonlyMap<NodeId, RangePage> {
  return new Map(perNode.map((held, index) => [nodeId(index + 1), held]));
}
