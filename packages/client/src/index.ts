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
  SyncInfo,
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
  LayoutChange,
  LayoutChangeState,
  LayoutInfo,
  LayoutPlan,
  NodeChange,
  NodeRole,
  NodeShare,
  NodeTransfer,
  PartitionMove,
} from "./layout-info.js";
export type {
  AppendOptions,
  ApplyLayoutOptions,
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
  RemoveNodeOptions,
  StartScrubOptions,
  StateOptions,
  TransferProgress,
} from "./options.js";
export type { Buckets, Layout, QuorumFs, Scrub } from "./quorumfs.js";
