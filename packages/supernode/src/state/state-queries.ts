/**
 * What is in the file system, as the DataNodes tell it now. Every DataNode streams its records in order of path, and
 * the streams are merged; nothing is collected, so the size of the file system does not matter. A node that cannot be
 * reached is named in the summary, and no reason to fail.
 *
 * What counts of a file is what the nodes of its partition hold, and those that take it over. Another one may still have a
 * record from before, of a file that was deleted and forgotten since.
 */
import {
  assignmentOf,
  bucketId,
  type CancelSignal,
  checkPrefix,
  type Clock,
  type Layout,
  type Log,
  type NodeId,
  QuorumError,
} from "@quorumfs/core";
import type { Bucket, FileState, GetFileSystemStateResponse, StateSummary } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { requireLayout } from "../cluster/forming.js";
import { Gate } from "../gate.js";
import type { DataNodes } from "./data-nodes.js";
import { type Copy, fileStateOf } from "./file-state.js";
import { mergeArrived } from "./merge-scans.js";
import { QueryTurn } from "./query-turn.js";
import { NodeScan } from "./node-scan.js";

// Each query occupies every DataNode's disk; more at a time would only make all of them slower.
const queriesMax = 4;
const waitingMax = 256;

/** Of at most 1.2 KiB each, most of it path: well below a message's limit. */
const filesPerMessageMax = 1000;

export interface StateQuery {
  /** Empty: all buckets. */
  readonly bucket: string;
  readonly prefix: string;
  /** Only files of which this node holds a copy, be it an old one. */
  readonly node?: NodeId;
}

export interface StateQueriesOptions {
  readonly state: ClusterState;
  readonly dataNodes: DataNodes;
  readonly initialNodes: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class StateQueries {
  readonly #options: StateQueriesOptions;
  readonly #gate = new Gate({ insideMax: queriesMax, waitingMax });

  constructor(options: StateQueriesOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `invalid_argument`, `not_found`, `unavailable` while the cluster forms, `resource_exhausted` */
  async *run(query: StateQuery, signal: CancelSignal): AsyncGenerator<GetFileSystemStateResponse> {
    const { state, initialNodes } = this.#options;
    checkPrefix(query.prefix);
    const layout = requireLayout(state, initialNodes);
    const buckets = query.bucket === "" ? state.buckets : [state.requireBucket(query.bucket)];
    if (query.node !== undefined && !state.member(query.node)) {
      throw new QuorumError({ code: "not_found", message: `there is no DataNode ${query.node}` });
    }
    const turn = new QueryTurn({ clock: this.#options.clock, caller: signal, leave: await this.#gate.enter(signal) });
    const unreachable = new Set<NodeId>();
    const counts = { files: 0, bytes: 0, underReplicated: 0 };
    try {
      for (const bucket of buckets) {
        for await (const found of this.#filesOf({ bucket, prefix: query.prefix, unreachable, signal: turn.signal })) {
          const files = query.node === undefined ? found : found.filter((file) => isOn(file, query.node));
          for (const file of files) count(counts, layout, bucket, file);
          if (files.length === 0) continue;
          turn.handOver();
          yield { files, summary: undefined, page: undefined, progress: undefined };
          turn.takeBack();
        }
      }
    } finally {
      turn.end();
    }
    const summary: StateSummary = { ...counts, unreachable: [...unreachable].sort((a, b) => a - b), truncated: false };
    yield { files: [], summary, page: undefined, progress: undefined };
  }

  /** Whether a bucket has any file, and who did not say what it holds. */
  async firstFile(
    bucket: Bucket,
    signal: CancelSignal,
  ): Promise<{ readonly example: string | undefined; readonly unreachable: readonly NodeId[] }> {
    const unreachable = new Set<NodeId>();
    for await (const [file] of this.#filesOf({ bucket, prefix: "", unreachable, signal })) {
      if (file) return { example: file.path, unreachable: [...unreachable] };
    }
    return { example: undefined, unreachable: [...unreachable] };
  }

  /** @param options.unreachable is added to; nodes that are in it already are not asked */
  async *#filesOf(options: {
    readonly bucket: Bucket;
    readonly prefix: string;
    readonly unreachable: Set<NodeId>;
    readonly signal: CancelSignal;
  }): AsyncGenerator<FileState[]> {
    const { bucket, prefix, unreachable, signal } = options;
    const { layout } = this.#options.state;
    const scans = this.#openScans(bucket, prefix, unreachable, signal);
    let files: FileState[] = [];
    try {
      for (;;) {
        for (const { path, copies } of mergeArrived(scans)) {
          const file = fileStateOf(bucket.name, path, this.#counting(layout, bucket, path, copies));
          if (file) files.push(file);
          if (files.length < filesPerMessageMax) continue;
          yield files;
          files = [];
        }
        const dry = scans.filter((scan) => scan.isDry);
        if (dry.length === 0) break;
        await Promise.all(dry.map((scan) => scan.refill()));
        if (signal.aborted) throw new QuorumError({ code: "cancelled", message: "the caller has gone" });
      }
    } finally {
      for (const scan of scans) {
        scan.close();
        if (scan.hasFailed) unreachable.add(scan.node);
      }
    }
    if (files.length > 0) yield files;
  }

  /** The partition may have moved since the scans began: who held it then was asked for it, and who holds it now as well. */
  #counting(before: Layout | undefined, bucket: Bucket, path: string, copies: readonly Copy[]): readonly Copy[] {
    const now = this.#options.state.layout;
    const assignments = [...new Set([before, now])].flatMap((layout) =>
      layout ? [assignmentOf(layout, bucketId(bucket.id), path)] : [],
    );
    return copies.filter(({ node }) =>
      assignments.some(({ nodes, joining }) => nodes.includes(node) || joining.includes(node)),
    );
  }

  #openScans(bucket: Bucket, prefix: string, unreachable: Set<NodeId>, signal: CancelSignal): readonly NodeScan[] {
    const { state, dataNodes, clock } = this.#options;
    const request = { bucket: bucket.id, prefix, afterBucket: 0, afterPath: "" };
    const scans: NodeScan[] = [];
    for (const { id, role } of state.members) {
      // Of who is lost for good nobody expects an answer.
      if (unreachable.has(id) || role === "lost") continue;
      // Asking who is known to be down would only make everybody wait.
      if (state.healthOf(id) === "down") unreachable.add(id);
      else scans.push(new NodeScan({ node: id, pages: dataNodes.scan(id, request, { signal }), clock }));
    }
    return scans;
  }
}

function isOn(file: FileState, node: NodeId | undefined): boolean {
  return node !== undefined && (file.holders.includes(node) || file.behind.includes(node));
}

function count(
  counts: { files: number; bytes: number; underReplicated: number },
  layout: Layout,
  bucket: Bucket,
  file: FileState,
): void {
  counts.files += 1;
  counts.bytes += file.size;
  const { nodes } = assignmentOf(layout, bucketId(bucket.id), file.path);
  let upToDate = 0;
  for (const node of nodes) if (file.holders.includes(node)) upToDate += 1;
  if (upToDate < layout.replicas) counts.underReplicated += 1;
}
