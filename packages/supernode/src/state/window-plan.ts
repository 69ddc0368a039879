/**
 * Whom a state query asks what. Of each partition all replicas tell a digest, and one of them the rows, if its files are
 * wanted: which ones are can be told beforehand by their partition, as long as its replicas are equal. Pure.
 */
import type { Layout, NodeId } from "@quorumfs/core";
import { ScanPart } from "@quorumfs/proto";
import type { StateQuery } from "./state-query.js";

/** Where the files of a partition are, if all who were asked hold the same. One object for all partitions on the same nodes. */
export interface PartitionView {
  /** Who votes on it. */
  readonly voters: readonly NodeId[];
  /** These, and who takes it over. */
  readonly replicas: readonly NodeId[];
  /** Those of them that can be asked; by id. */
  readonly asked: readonly NodeId[];
}

export interface WindowPlan {
  readonly layout: Layout;
  /** By number of the partition. */
  readonly views: readonly PartitionView[];
  /** Theirs, if all partitions are on the same nodes. */
  readonly onlyView: PartitionView | undefined;
  /** How many nodes give rows. */
  readonly sources: number;
  /** What each node is to tell; the first one says how far a window goes. */
  readonly parts: ReadonlyMap<NodeId, Uint8Array>;
}

export interface PlanOptions {
  readonly layout: Layout;
  readonly canAsk: (node: NodeId) => boolean;
  readonly query: Pick<StateQuery, "health" | "heldBy" | "assignedTo" | "totalsOnly">;
  /** A number for this query: so that equal nodes take turns. */
  readonly turn: number;
}

export function windowPlan({ layout, canAsk, query, turn }: PlanOptions): WindowPlan {
  const views = viewsOf(layout, canAsk);
  const nodes = [...new Set(views.flatMap(({ asked }) => asked))].sort((a, b) => a - b);
  const turned = nodes.map((_, index) => nodes[(index + turn) % nodes.length]).filter((node) => node !== undefined);
  const parts = new Map(turned.map((node) => [node, new Uint8Array(views.length)]));
  const wanted: number[] = [];
  for (const [partition, view] of views.entries()) {
    if (!mayMatch(view, query)) continue;
    for (const node of view.asked) set(parts, node, partition, ScanPart.SCAN_PART_DIGEST);
    if (matchesWhenEqual(view, layout.replicas, query)) wanted.push(partition);
  }
  const part = query.totalsOnly ? ScanPart.SCAN_PART_COUNT : ScanPart.SCAN_PART_ROWS;
  const order = assign(views, wanted, turned, (node, partition) => set(parts, node, partition, part));
  const busy = [...order, ...turned.filter((node) => !order.includes(node))];
  return {
    layout,
    views,
    sources: query.totalsOnly ? 0 : order.length,
    onlyView: new Set(views).size === 1 ? views[0] : undefined,
    parts: new Map(
      busy.flatMap((node) => {
        const told = parts.get(node);
        return told?.some((one) => one !== 0) ? [[node, told] as const] : [];
      }),
    ),
  };
}

/** Whether files on these holders have fewer copies than the layout asks for. Who takes over does not count yet. */
export function isUnderReplicated(view: PartitionView, holders: readonly NodeId[], replicas: number): boolean {
  let count = 0;
  for (const node of view.voters) if (holders.includes(node)) count += 1;
  return count < replicas;
}

function viewsOf(layout: Layout, canAsk: (node: NodeId) => boolean): readonly PartitionView[] {
  const known = new Map<string, PartitionView>();
  return layout.partitions.map(({ nodes, joining }) => {
    const key = `${[...nodes].sort((a, b) => a - b).join()}|${[...joining].sort((a, b) => a - b).join()}`;
    let view = known.get(key);
    if (!view) {
      const replicas = [...new Set([...nodes, ...joining])];
      view = { voters: nodes, replicas, asked: replicas.filter(canAsk).sort((a, b) => a - b) };
      known.set(key, view);
    }
    return view;
  });
}

/** Whether any file of such a partition can be one that is asked for. */
function mayMatch({ replicas, asked }: PartitionView, { heldBy, assignedTo }: PlanOptions["query"]): boolean {
  if (assignedTo !== undefined && !replicas.includes(assignedTo)) return false;
  return heldBy === undefined || asked.includes(heldBy);
}

/** Whether all of its files are. */
function matchesWhenEqual(view: PartitionView, replicas: number, { health }: PlanOptions["query"]): boolean {
  if (health === "any") return true;
  return isUnderReplicated(view, view.asked, replicas) === (health === "under_replicated");
}

/**
 * Gives each partition to one of its replicas, and all of them to as few nodes as can be: the fewer streams of rows there
 * are to merge, and the less the others do but digests.
 *
 * @returns the nodes that got any, those with most first
 */
function assign(
  views: readonly PartitionView[],
  wanted: readonly number[],
  nodes: readonly NodeId[],
  give: (node: NodeId, partition: number) => void,
): readonly NodeId[] {
  const order: NodeId[] = [];
  for (let left = wanted; left.length > 0;) {
    const counts = new Map<NodeId, number>(nodes.map((node) => [node, 0]));
    for (const partition of left) {
      for (const node of views[partition]?.asked ?? []) counts.set(node, (counts.get(node) ?? 0) + 1);
    }
    const [most] = [...counts].sort((a, b) => b[1] - a[1]);
    if (!most || most[1] === 0) return order;
    const [node] = most;
    order.push(node);
    left = left.filter((partition) => {
      const isItsOwn = views[partition]?.asked.includes(node) === true;
      if (isItsOwn) give(node, partition);
      return !isItsOwn;
    });
  }
  return order;
}

function set(parts: ReadonlyMap<NodeId, Uint8Array>, node: NodeId, partition: number, part: number): void {
  const told = parts.get(node);
  if (told) told[partition] = part;
}
