/**
 * Lists a bucket page by page: reads ranges from quorums, reads by a vote what those leave open, and assembles the page.
 * Each entry is linearizable at some instant within the call; the page is no snapshot (PROTOCOL.md, "List").
 */
import {
  type Clock,
  ListAssembly,
  type ListedFile,
  type ListQuery,
  type MergedEntry,
  type MergedRange,
  QuorumError,
  assert,
  commonPrefixOf,
  mergeRange,
} from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView, ClusterView } from "../cluster/cluster-view.js";
import type { CancelOperation, Coordinator, Done } from "../coordinator/coordinator.js";
import { rangeLimitMax } from "../replica/messages.js";
import type { RangeQuorum } from "./range-quorum.js";

export interface ListPage {
  readonly files: readonly ListedFile[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page starts; empty on the last one. */
  readonly nextAfter: string;
}

export interface ListRequest {
  readonly bucket: BucketView;
  readonly query: ListQuery;
  /** On the clock's own time. */
  readonly deadlineMs: number;
}

export interface ListerOptions {
  readonly store: ClusterStore;
  readonly ranges: RangeQuorum;
  readonly coordinator: Coordinator;
  readonly clock: Clock;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
}

// With a delimiter a range may roll up into one item, and then the next one starts behind all that it stands for.
const rollUpRangeMax = 1000;
// Half a second of a busy node: a page that is not full by then, for all the deleted files in its range, goes out as it is.
const rangesMax = 50;
// Files whose state is unclear are read so many at a time: enough to hide the round trips, and no flood.
const readsAtOnceMax = 32;
// All nodes hear of a new layout within milliseconds, and the next one may be on its way; so long it waits between two tries.
const layoutPauseMs = { first: 10, longest: 200 } as const;

export class Lister {
  readonly #options: ListerOptions;

  constructor(options: ListerOptions) {
    this.#options = options;
  }

  list(request: ListRequest, done: Done<ListPage>): CancelOperation {
    const abort = new AbortController();
    this.#page(request, abort.signal).then(
      (page) => done(undefined, page),
      (thrown: unknown) => done(QuorumError.from(thrown), undefined),
    );
    return () => abort.abort();
  }

  async #page(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    const assembly = new ListAssembly(request.query);
    for (let ranges = 1; !assembly.done; ranges += 1) {
      const upTo = await this.#addRange(assembly, request, signal);
      if (ranges >= rangesMax && upTo !== undefined) assembly.stopHere(upTo);
    }
    const { files, commonPrefixes, nextAfter } = assembly;
    return { files, commonPrefixes, nextAfter };
  }

  async #addRange(assembly: ListAssembly, request: ListRequest, signal: AbortSignal): Promise<string | undefined> {
    const { query } = request;
    // One more than fits tells whether the page is the last one.
    const limit = Math.min(query.delimiter === "" ? rangeLimitMax : rollUpRangeMax, assembly.room + 1);
    const { entries, upTo } = await this.#range({ request, after: assembly.cursor, limit, signal });
    const found = await this.#readUnknown(unknownPaths(entries, query), request, signal);
    for (const entry of entries) {
      const value = entry.kind === "live" ? entry.value : found.get(entry.path)?.value;
      if (value) assembly.add({ path: entry.path, value });
    }
    assembly.reached(upTo);
    return upTo;
  }

  /** A page is told under one layout by all; where that changes meanwhile, it is asked for again under the new one. */
  async #range(options: {
    readonly request: ListRequest;
    readonly after: string;
    readonly limit: number;
    readonly signal: AbortSignal;
  }): Promise<MergedRange> {
    const { request, ...range } = options;
    const { bucket, query, deadlineMs } = request;
    const { store, ranges, clock } = this.#options;
    for (let pauseMs: number = layoutPauseMs.first; ; pauseMs = Math.min(2 * pauseMs, layoutPauseMs.longest)) {
      const { view } = store;
      if (!view.layout) throw new QuorumError({ code: "unavailable", message: view.forming ?? "there is no layout" });
      try {
        const pages = await ranges.ask({ ...range, view, bucket, prefix: query.prefix, deadlineMs });
        return mergeRange({ pages, votersOf: (path) => votersOf(view, bucket, path) });
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (error.code !== "precondition_failed") throw error;
        if (clock.nowMs() + pauseMs >= deadlineMs || options.signal.aborted) throw layoutChanged(error);
        await this.#newerView(view, pauseMs);
      }
    }
  }

  /** A newer view than this, or at least a pause. */
  async #newerView(view: ClusterView, pauseMs: number): Promise<void> {
    const { store, clock, refresh } = this.#options;
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    if (store.view === view) await refresh().catch(() => undefined);
  }

  async #readUnknown(
    paths: readonly string[],
    request: ListRequest,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ListedFile>> {
    const found = new Map<string, ListedFile>();
    let next = 0;
    const readOn = async (): Promise<void> => {
      for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
        if (signal.aborted) throw new QuorumError({ code: "cancelled", message: "the caller gave it up" });
        const file = await this.#read(path, request);
        if (file) found.set(path, file);
      }
    };
    await Promise.all(Array.from({ length: Math.min(readsAtOnceMax, paths.length) }, readOn));
    return found;
  }

  #read(path: string, { bucket, deadlineMs }: ListRequest): Promise<ListedFile | undefined> {
    return new Promise((resolve, reject) => {
      const request = { bucket, path, deadlineMs, withContent: false, consistency: "linearizable" } as const;
      this.#options.coordinator.read(request, (error, result) => {
        if (result) resolve({ path, value: result.value });
        else if (error?.code === "not_found") resolve(undefined);
        else reject(QuorumError.from(error));
      });
    });
  }
}

function layoutChanged(cause: QuorumError): QuorumError {
  const message = "files kept moving between DataNodes while they were listed; try again";
  return new QuorumError({ code: "unavailable", message, cause });
}

function votersOf(view: ClusterView, bucket: BucketView, path: string) {
  const place = view.place(bucket, path);
  assert(place !== undefined, "a view with a layout places every file");
  return place.voters;
}

/** What has to be read: not those that a live neighbour rolls up into the same common prefix. */
function unknownPaths(entries: readonly MergedEntry[], query: ListQuery): readonly string[] {
  const unknown = entries.filter((entry) => entry.kind === "unknown").map(({ path }) => path);
  if (unknown.length === 0 || query.delimiter === "") return unknown;
  const live = entries.filter((entry) => entry.kind === "live");
  const rolledUp = new Set(live.map(({ path }) => commonPrefixOf(path, query)));
  return unknown.filter((path) => {
    const prefix = commonPrefixOf(path, query);
    return prefix === undefined || !rolledUp.has(prefix);
  });
}
