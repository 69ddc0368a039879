import { checkBucketName, checkPrefix, QuorumError } from "@quorumfs/core";
import { ClusterServiceService, FileHealth, type GetFileSystemStateResponse } from "@quorumfs/proto";
import type { Control } from "./cluster/control.js";
import { noSuperNode } from "./cluster/control.js";
import type { FileState, StateQuery, StateSummary } from "./cluster-info.js";
import type { StateOptions } from "./options.js";
import { toFileState, toStateSummary } from "./wire.js";

// A million files take seconds; a stream that takes longer than this hangs.
const timeoutMsDefault = 10 * 60_000;

/** The state query of one call of `state`. */
export function stateQuery(control: Control, options: StateOptions): StateQuery {
  const bucket = options.bucket === undefined ? "" : checkBucketName(options.bucket);
  const prefix = checkPrefix(options.prefix ?? "");
  let summary: StateSummary | undefined;
  async function* files(): AsyncGenerator<FileState, void, undefined> {
    try {
      for await (const page of pages(control, { bucket, prefix, options })) {
        for (const file of page.files) yield toFileState(file);
        if (page.summary) summary = toStateSummary(page.summary);
      }
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      throw error.code === "unavailable" && error.details.mayHaveRun === false
        ? noSuperNode([control.channel.address], error)
        : error;
    }
  }
  return {
    [Symbol.asyncIterator]: files,
    get summary() {
      return summary;
    },
  };
}

function pages(
  control: Control,
  query: { readonly bucket: string; readonly prefix: string; readonly options: StateOptions },
): AsyncIterable<GetFileSystemStateResponse> {
  const { bucket, prefix, options } = query;
  const { node, timeoutMs = timeoutMsDefault, signal } = options;
  const callOptions = signal ? { timeoutMs, signal } : { timeoutMs };
  const { channel } = control;
  const filter = {
    bucket,
    prefix,
    sizeMin: 0,
    sizeMax: undefined,
    health: FileHealth.FILE_HEALTH_UNSPECIFIED,
    node: 0,
  };
  const whole = { afterBucket: "", afterPath: "", limit: 0, totalsOnly: false, columns: false };
  if (node === undefined) {
    return channel.serverStream(ClusterServiceService.getFileSystemState, { ...whole, filter }, callOptions);
  }
  return channel.serverStream(ClusterServiceService.listFilesOnNode, { ...whole, nodeId: node, filter }, callOptions);
}
