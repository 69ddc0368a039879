import { checkBucketName, checkPrefix, parseFileName, QuorumError } from "@quorumfs/core";
import {
  ClusterServiceService,
  FileHealth,
  type GetFileSystemStateRequest,
  type GetFileSystemStateResponse,
  type StateFilter,
} from "@quorumfs/proto";
import { type Control, noSuperNode } from "./cluster/control.js";
import type { FileState, StateQuery, StateSummary } from "./cluster-info.js";
import { callWith, type StateOptions } from "./options.js";
import { filesOf } from "./state-page.js";
import { toStateSummary } from "./wire.js";

// A million files take seconds; a stream that takes longer than this hangs.
const timeoutMsDefault = 10 * 60_000;

/** The state query of one call of `state`. @throws QuorumError `invalid_argument` */
export function stateQuery(control: Control, options: StateOptions): StateQuery {
  return new RunningQuery(control, options);
}

class RunningQuery implements StateQuery {
  readonly #control: Control;
  readonly #options: StateOptions;
  readonly #request: GetFileSystemStateRequest;
  #summary: StateSummary | undefined;
  #isTruncated = false;
  #last: FileState | undefined;
  #filesSoFar = 0;

  constructor(control: Control, options: StateOptions) {
    this.#control = control;
    this.#options = options;
    this.#request = requestOf(options);
  }

  get summary(): StateSummary | undefined {
    return this.#summary;
  }

  get next(): string | undefined {
    return this.#isTruncated ? this.#last?.name : undefined;
  }

  get filesSoFar(): number {
    return this.#filesSoFar;
  }

  async totals(): Promise<StateSummary> {
    for await (const _file of this);
    if (this.#summary) return this.#summary;
    throw new QuorumError({ code: "internal", message: "the SuperNode ended its answer without the totals" });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FileState, void, undefined> {
    try {
      for await (const { page, progress, summary } of this.#messages()) {
        if (progress) this.#filesSoFar = progress.files;
        if (page) {
          this.#filesSoFar += page.files?.count ?? 0;
          for (const file of filesOf(page)) {
            this.#last = file;
            yield file;
          }
        }
        if (!summary) continue;
        this.#filesSoFar = summary.files;
        this.#isTruncated = summary.truncated;
        this.#summary = toStateSummary(summary);
      }
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      throw error.code === "unavailable" && error.details.mayHaveRun === false
        ? noSuperNode([this.#control.channel.address], error)
        : error;
    }
  }

  #messages(): AsyncIterable<GetFileSystemStateResponse> {
    const { channel } = this.#control;
    const { node, timeoutMs = timeoutMsDefault } = this.#options;
    const call = callWith({ ...this.#options, timeoutMs });
    if (node === undefined) return channel.serverStream(ClusterServiceService.getFileSystemState, this.#request, call);
    return channel.serverStream(ClusterServiceService.listFilesOnNode, { ...this.#request, nodeId: node }, call);
  }
}

function requestOf(options: StateOptions): GetFileSystemStateRequest {
  const { after, limit, totalsOnly = false } = options;
  const place = after === undefined ? undefined : parseFileName(after);
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
    throw invalid(`limit must be a whole number from 1 on, got ${limit}`);
  }
  if (limit !== undefined && totalsOnly) throw invalid("limit does not go with totalsOnly");
  return {
    filter: filterOf(options),
    afterBucket: place?.bucket ?? "",
    afterPath: place?.path ?? "",
    limit: limit ?? 0,
    totalsOnly,
    columns: true,
  };
}

function filterOf({ bucket, prefix, sizeMin, sizeMax, health, node, assignedTo }: StateOptions): StateFilter {
  checkSize("sizeMin", sizeMin);
  checkSize("sizeMax", sizeMax);
  checkNode("node", node);
  checkNode("assignedTo", assignedTo);
  return {
    bucket: bucket === undefined ? "" : checkBucketName(bucket),
    prefix: checkPrefix(prefix ?? ""),
    sizeMin: sizeMin ?? 0,
    sizeMax,
    health: healthOf(health),
    node: assignedTo ?? 0,
  };
}

function healthOf(health: StateOptions["health"]): FileHealth {
  switch (health) {
    case undefined:
      return FileHealth.FILE_HEALTH_UNSPECIFIED;
    case "complete":
      return FileHealth.FILE_HEALTH_COMPLETE;
    case "under_replicated":
      return FileHealth.FILE_HEALTH_UNDER_REPLICATED;
    default:
      throw invalid(`health is complete or under_replicated, not ${JSON.stringify(health)}`);
  }
}

function checkSize(name: string, size: number | undefined): void {
  if (size === undefined || (Number.isSafeInteger(size) && size >= 0)) return;
  throw invalid(`${name} must be a whole number of bytes, got ${size}`);
}

function checkNode(name: string, node: number | undefined): void {
  if (node === undefined || (Number.isInteger(node) && node > 0 && node < 2 ** 32)) return;
  throw invalid(`${name} must be the number of a DataNode, got ${node}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
