import { checkBucketName, checkPath, checkPrefix, nodeId, type NodeId, QuorumError } from "@quorumfs/core";
import { FileHealth, type GetFileSystemStateRequest, type ListFilesOnNodeRequest } from "@quorumfs/proto";

/** What a state query asks for, checked. */
export interface StateQuery {
  /** Empty: all buckets. */
  readonly bucket: string;
  readonly prefix: string;
  readonly sizeMin: number;
  readonly sizeMax: number;
  readonly health: "any" | "complete" | "under_replicated";
  /** Only files of which this node holds a copy, be it an old one. */
  readonly heldBy: NodeId | undefined;
  /** Only files that this node holds or should hold. */
  readonly assignedTo: NodeId | undefined;
  /** Only files behind this one. */
  readonly after: { readonly bucket: string; readonly path: string } | undefined;
  /** Files at most. */
  readonly limit: number;
  readonly totalsOnly: boolean;
  /** Whether files are told as pages of columns. */
  readonly columns: boolean;
}

type Request = Omit<GetFileSystemStateRequest & ListFilesOnNodeRequest, "nodeId">;

/** @throws QuorumError `invalid_argument` */
export function queryOf(request: Request): StateQuery {
  const { filter, limit, totalsOnly, columns } = request;
  const { prefix = "", sizeMin = 0, sizeMax = Infinity, health = FileHealth.FILE_HEALTH_UNSPECIFIED } = filter ?? {};
  const bucket = filter?.bucket ?? "";
  if (sizeMin > sizeMax) throw invalid(`no file has at least ${sizeMin} and at most ${sizeMax} bytes`);
  if (totalsOnly && limit > 0) throw invalid("a limit is for files, and only totals were asked for");
  return {
    bucket: bucket === "" ? "" : checkBucketName(bucket),
    prefix: checkPrefix(prefix),
    sizeMin,
    sizeMax,
    health: healthOf(health),
    heldBy: undefined,
    assignedTo: filter === undefined || filter.node === 0 ? undefined : nodeId(filter.node),
    after: afterOf(bucket, request),
    limit: limit === 0 ? Infinity : limit,
    totalsOnly,
    columns,
  };
}

/** As {@link queryOf}, for the files of which a node holds a copy. */
export function nodeQueryOf(request: ListFilesOnNodeRequest): StateQuery {
  if (request.nodeId === 0) throw invalid("say which DataNode: node_id is 0");
  return { ...queryOf(request), heldBy: nodeId(request.nodeId) };
}

function healthOf(health: FileHealth): StateQuery["health"] {
  switch (health) {
    case FileHealth.FILE_HEALTH_UNSPECIFIED:
      return "any";
    case FileHealth.FILE_HEALTH_COMPLETE:
      return "complete";
    case FileHealth.FILE_HEALTH_UNDER_REPLICATED:
      return "under_replicated";
    case FileHealth.UNRECOGNIZED:
    default:
      throw invalid(`health ${JSON.stringify(health)} is not known`);
  }
}

function afterOf(bucket: string, { afterBucket, afterPath }: Request): StateQuery["after"] {
  if (afterBucket === "" && afterPath === "") return undefined;
  if (afterPath === "") throw invalid("after_bucket goes with after_path: the file to resume behind");
  const place = afterBucket === "" ? bucket : afterBucket;
  if (place === "") throw invalid("after_path goes with after_bucket, unless one bucket is asked for");
  if (bucket !== "" && place !== bucket) throw invalid(`cannot resume in bucket ${place}: ${bucket} is asked for`);
  return { bucket: checkBucketName(place), path: checkPath(afterPath) };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
