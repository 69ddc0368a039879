export { QuorumError, type ErrorCode, type ErrorDetails } from "@quorumfs/core";
export type {
  BucketInfo,
  ClusterStatus,
  FileState,
  NodeInfo,
  NodeLoadInfo,
  StateQuery,
  StateSummary,
} from "./cluster-info.js";
export { connect, type ConnectOptions } from "./connect.js";
export type {
  DeleteResult,
  DurabilityClass,
  FileInfo,
  GetResult,
  ListEntry,
  PutResult,
  StatResult,
  VoteInfo,
} from "./file-info.js";
export type {
  ConditionOptions,
  CreateBucketOptions,
  DeleteOptions,
  ListOptions,
  MutationOptions,
  OperationOptions,
  PutOptions,
  ReadOptions,
  StateOptions,
} from "./options.js";
export type { Buckets, QuorumFs } from "./quorumfs.js";
