export { type ClusterConsoleOptions, startCluster, type StartClusterOptions } from "./cluster/start-cluster.js";
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
export { freePorts } from "./adapters/free-ports.js";
export { temporaryDirectory, type TemporaryDirectory } from "./adapters/temporary-directory.js";
export { type Exit, describeExit } from "./adapters/child.js";
export { copyDirectory, removeDirectory } from "./adapters/directories.js";
export { waitUntil } from "./cluster/wait-until.js";
export { partyName } from "./faults/party.js";
export { binaryScript } from "./processes/binary-script.js";
export { ProcessMember } from "./processes/process-member.js";
