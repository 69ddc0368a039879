export { QuorumError, type ErrorCode, type ErrorDetails } from "@quorumfs/core";
export type {
  BucketInfo,
  ClusterStatus,
  DamageInfo,
  FileState,
  NodeInfo,
  NodeLoadInfo,
  NodeScrub,
  ScrubInfo,
  StateQuery,
  StateSummary,
} from "./cluster-info.js";
export { connect, type ConnectOptions } from "./connect.js";
export type {
  DeleteResult,
  DurabilityClass,
  FileContent,
  FileInfo,
  GetResult,
  ListEntry,
  PutResult,
  ReadResult,
  StatResult,
  VoteInfo,
} from "./file-info.js";
export type {
  AppendOptions,
  ConditionOptions,
  CreateBucketOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  MaintenanceOptions,
  MutationOptions,
  OperationOptions,
  ProgressOptions,
  PutOptions,
  ReadOptions,
  StartScrubOptions,
  StateOptions,
  TransferProgress,
} from "./options.js";
export type { Buckets, QuorumFs, Scrub } from "./quorumfs.js";
