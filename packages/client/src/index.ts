export {
  eventKinds,
  QuorumError,
  type ErrorCode,
  type ErrorDetails,
  type EventKind,
  type EventSeverity,
} from "@quorumfs/core";
export { summarizeActivity } from "./activity-figures.js";
export {
  type ActivityFigures,
  type ActivitySample,
  type BucketActivity,
  type HotFile,
  type LatencyFigures,
  type NodeActivity,
  type OperationFigures,
  type OperationKind,
  operationKinds,
} from "./activity-info.js";
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
export type { ClusterEvent, EventPage } from "./event-info.js";
export type {
  BallotInfo,
  ChunkHolder,
  CopyState,
  ExplainedVersion,
  ExplainVerdict,
  Explanation,
  ReplicaCopy,
  ReplicaVote,
} from "./explain-info.js";
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
  PartitionInfo,
  PartitionMove,
} from "./layout-info.js";
export type {
  ActivityOptions,
  AppendOptions,
  ApplyLayoutOptions,
  ConditionOptions,
  CreateBucketOptions,
  DeleteOptions,
  EventFilterOptions,
  GetOptions,
  ListEventsOptions,
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
  WatchEventsOptions,
} from "./options.js";
export type { Buckets, Layout, QuorumFs, Scrub } from "./quorumfs.js";
