import { comparePaths } from "@quorumfs/core";
import type { Copy } from "./file-state.js";
import type { NodeScan } from "./node-scan.js";

/** All copies of one path. */
export interface PathCopies {
  readonly path: string;
  readonly copies: readonly Copy[];
}

/**
 * Merges what the nodes say into one sequence in byte order of path, as far as it has arrived: it ends when a scan is
 * dry. Plain comparison of heads: with the few copies that a file has, that is faster than a heap.
 */
export function* mergeArrived(scans: readonly NodeScan[]): Generator<PathCopies> {
  while (!scans.some((scan) => scan.isDry)) {
    let path: string | undefined;
    for (const { head } of scans) {
      if (head && (path === undefined || (head.path !== path && comparePaths(head.path, path) < 0))) path = head.path;
    }
    if (path === undefined) return;
    const copies: Copy[] = [];
    for (const scan of scans) {
      const entry = scan.head;
      if (entry?.path !== path) continue;
      copies.push({ node: scan.node, entry });
      scan.advance();
    }
    yield { path, copies };
  }
}
