export { startCluster, type StartClusterOptions } from "./cluster/start-cluster.js";
export type {
  AddNodeOptions,
  DiskSnapshot,
  LocalCluster,
  LocalNode,
  PartitionOptions,
  ReplacedDisk,
} from "./cluster/local-cluster.js";
export type { DelayOptions, Direction, DropOptions, Fault } from "./faults/fault-table.js";
export type { Party } from "./faults/party.js";
