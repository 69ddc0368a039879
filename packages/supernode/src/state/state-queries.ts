/**
 * What is in the file system, as the DataNodes tell it now. Windows of each bucket are compared one after the other;
 * nothing is collected, so the size of the file system does not matter. A node that cannot be reached is named in the
 * summary, and no reason to fail.
 *
 * What counts of a file is what the nodes of its partition hold, and those that take it over. Another one may still have a
 * record from before, of a file that was deleted and forgotten since.
 *
 * Each file is told as it was at some instant within the query; the whole is no snapshot.
 */
import { bucketId, type CancelSignal, type Clock, type NodeId, partitionOf, QuorumError } from "@quorumfs/core";
import type { Bucket, GetFileSystemStateResponse, StateSummary } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { requireLayout } from "../cluster/forming.js";
import { Gate } from "../gate.js";
import type { SuperNodeInstruments } from "../metrics.js";
import type { DataNodes } from "./data-nodes.js";
import { fileMessages } from "./file-messages.js";
import { rowsOf } from "./file-rows.js";
import { QueryTurn } from "./query-turn.js";
import type { StateQuery } from "./state-query.js";
import { Totals } from "./totals.js";
import { countWindow, type PageOptions, pagesOf } from "./window-pages.js";
import { WindowSize } from "./window-size.js";
import { type ComparedWindow, Windows } from "./windows.js";

// Each query occupies every DataNode's disk; more at a time would only make all of them slower.
const queriesMax = 4;
const waitingMax = 256;

/** Who asks for totals only hears this often how far they are: often enough to see that it goes on. */
const progressEveryMs = 500;

const nothing = { files: [], summary: undefined, page: undefined, progress: undefined };

export interface StateQueriesOptions {
  readonly state: ClusterState;
  readonly dataNodes: DataNodes;
  readonly initialNodes: number;
  readonly instruments: Pick<SuperNodeInstruments, "querySeconds" | "queryFiles">;
  readonly clock: Clock;
}

/** A query under way. */
interface Run {
  readonly query: StateQuery;
  readonly signal: CancelSignal;
  readonly totals: Totals;
  readonly size: WindowSize;
  readonly unreachable: Set<NodeId>;
  readonly turn: number;
  /** Whether all files of the bucket that is looked through were told. */
  isAtEnd: boolean;
  /** Whether there may be more files than the limit allowed for. */
  isTruncated: boolean;
}

export class StateQueries {
  readonly #options: StateQueriesOptions;
  readonly #gate = new Gate({ insideMax: queriesMax, waitingMax });
  #queries = 0;

  constructor(options: StateQueriesOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `invalid_argument`, `not_found`, `unavailable` while the cluster forms, `resource_exhausted` */
  async *run(query: StateQuery, signal: CancelSignal): AsyncGenerator<GetFileSystemStateResponse> {
    const { state, initialNodes, instruments, clock } = this.#options;
    requireLayout(state, initialNodes);
    const buckets = this.#bucketsOf(query);
    for (const node of [query.heldBy, query.assignedTo]) {
      if (node === undefined || state.member(node)) continue;
      throw new QuorumError({ code: "not_found", message: `there is no DataNode ${node}` });
    }
    const turn = new QueryTurn({ clock, caller: signal, leave: await this.#gate.enter(signal) });
    const run = this.#begin(query, turn.signal);
    const startedMs = clock.nowMs();
    // Who reads no further leaves the generator where it is.
    let outcome = "abandoned";
    try {
      for (const bucket of buckets) {
        for await (const message of query.totalsOnly ? this.#count(run, bucket) : this.#list(run, bucket)) {
          turn.handOver();
          yield message;
          turn.takeBack();
        }
        if (run.totals.files < query.limit) continue;
        run.isTruncated = !run.isAtEnd || bucket !== buckets.at(-1);
        break;
      }
      outcome = "done";
    } catch (error) {
      if (QuorumError.from(error).code !== "cancelled") outcome = "failed";
      throw error;
    } finally {
      turn.end();
      instruments.querySeconds.of({ outcome }).observe((clock.nowMs() - startedMs) / 1000);
      instruments.queryFiles.add(run.totals.files);
    }
    yield { ...nothing, summary: summaryOf(run) };
  }

  /** Whether a bucket has any file, and who did not say what it holds. */
  async firstFile(
    bucket: Bucket,
    signal: CancelSignal,
  ): Promise<{ readonly example: string | undefined; readonly unreachable: readonly NodeId[] }> {
    const run = this.#begin(anyFile, signal);
    for await (const window of this.#windows(run, bucket)) {
      for (const { files } of pagesOf(window, this.#pageOptions(run, bucket)).pages) {
        const [first] = files ? rowsOf(files) : [];
        if (first) return { example: first.path, unreachable: [...run.unreachable] };
      }
    }
    return { example: undefined, unreachable: [...run.unreachable] };
  }

  #begin(query: StateQuery, signal: CancelSignal): Run {
    const { state } = this.#options;
    this.#queries += 1;
    // Asking who is known to be down would only make everybody wait. Of who is lost for good nobody expects an answer.
    const down = state.members.filter(({ id, role }) => role !== "lost" && state.healthOf(id) === "down");
    return {
      query,
      signal,
      totals: new Totals(),
      size: new WindowSize(query),
      unreachable: new Set(down.map(({ id }) => id)),
      turn: this.#queries,
      isAtEnd: false,
      isTruncated: false,
    };
  }

  /** Those that are asked for, from where the query resumes; by name. */
  #bucketsOf({ bucket, after }: StateQuery): readonly Bucket[] {
    const { state } = this.#options;
    const buckets = bucket === "" ? state.buckets : [state.requireBucket(bucket)];
    return after ? buckets.filter(({ name }) => name >= after.bucket) : buckets;
  }

  async *#list(run: Run, bucket: Bucket): AsyncGenerator<GetFileSystemStateResponse> {
    for await (const window of this.#windows(run, bucket)) {
      const { pages, isCut } = pagesOf(window, this.#pageOptions(run, bucket));
      run.isAtEnd = window.isLast && !isCut;
      for (const page of pages) {
        if (run.query.columns) yield { ...nothing, page };
        else for (const files of fileMessages(page)) yield { ...nothing, files };
      }
      if (run.totals.files >= run.query.limit) return;
    }
  }

  async *#count(run: Run, bucket: Bucket): AsyncGenerator<GetFileSystemStateResponse> {
    const { clock } = this.#options;
    let saidAtMs = clock.nowMs();
    for await (const window of this.#windows(run, bucket)) {
      countWindow(window, this.#pageOptions(run, bucket));
      if (clock.nowMs() - saidAtMs < progressEveryMs) continue;
      saidAtMs = clock.nowMs();
      yield { ...nothing, progress: summaryOf(run) };
    }
  }

  #windows(run: Run, bucket: Bucket): AsyncIterable<ComparedWindow> {
    const { state, initialNodes, dataNodes, clock } = this.#options;
    const { query, signal, unreachable, size, turn } = run;
    return new Windows({
      bucket,
      query,
      after: query.after?.bucket === bucket.name ? query.after.path : "",
      dataNodes,
      clock,
      signal,
      layout: () => requireLayout(state, initialNodes),
      canAsk: (node) => {
        const role = state.member(node)?.role;
        return role !== undefined && role !== "lost";
      },
      unreachable,
      size,
      filesLeft: () => query.limit - run.totals.files,
      turn,
    });
  }

  #pageOptions(run: Run, bucket: Bucket): PageOptions {
    const { query, totals } = run;
    const partitions = requireLayout(this.#options.state, this.#options.initialNodes).partitions.length;
    return {
      bucket: bucket.name,
      query,
      partitionOf: (path) => partitionOf(bucketId(bucket.id), path, partitions),
      totals,
      filesMax: query.limit - totals.files,
    };
  }
}

const anyFile: StateQuery = {
  bucket: "",
  prefix: "",
  sizeMin: 0,
  sizeMax: Infinity,
  health: "any",
  heldBy: undefined,
  assignedTo: undefined,
  after: undefined,
  limit: 1,
  totalsOnly: false,
  columns: true,
};

function summaryOf({ totals, unreachable, isTruncated }: Run): StateSummary {
  return totals.summary({ unreachable, truncated: isTruncated });
}
