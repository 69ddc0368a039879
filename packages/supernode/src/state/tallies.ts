/** Compares what the replicas tell of their partitions. Pure. */
import type { NodeId } from "@quorumfs/core";
import type { WindowPlan } from "./window-plan.js";

/** As `ScanWindowResponse.tallies` is laid out. */
const tallyBytes = 28;

export interface Told {
  readonly node: NodeId;
  readonly tallies: Uint8Array;
}

/** The partitions of which not all replicas hold the same, or one has a damaged record. */
export function differingPartitions(plan: WindowPlan, told: readonly Told[]): ReadonlySet<number> {
  const partitions = plan.views.length;
  const seen = new Uint16Array(partitions);
  const low = new Uint32Array(partitions);
  const high = new Uint32Array(partitions);
  const differing = new Set<number>();
  for (const { tallies } of told) {
    const view = viewOf(tallies);
    for (let at = 0; at + tallyBytes <= tallies.length; at += tallyBytes) {
      const partition = view.getUint32(at, true);
      if (partition >= partitions) continue;
      const lowHalf = view.getUint32(at + 12, true);
      const highHalf = view.getUint32(at + 16, true);
      if (seen[partition] === 0) {
        low[partition] = lowHalf;
        high[partition] = highHalf;
      } else if (low[partition] !== lowHalf || high[partition] !== highHalf) differing.add(partition);
      if (view.getUint32(at + 8, true) > 0) differing.add(partition);
      seen[partition] = (seen[partition] ?? 0) + 1;
    }
  }
  for (const [partition, view] of plan.views.entries()) {
    const count = seen[partition] ?? 0;
    if (count > 0 && count < view.asked.length) differing.add(partition);
  }
  return differing;
}

/** How many files a node has counted, partition by partition. */
export function eachCount(
  tallies: Uint8Array,
  take: (counted: { readonly partition: number; readonly files: number; readonly bytes: number }) => void,
): void {
  const view = viewOf(tallies);
  for (let at = 0; at + tallyBytes <= tallies.length; at += tallyBytes) {
    const files = view.getUint32(at + 4, true);
    if (files > 0) take({ partition: view.getUint32(at, true), files, bytes: view.getFloat64(at + 20, true) });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
