export { startCluster, type StartClusterOptions } from "./cluster/start-cluster.js";
export type { LocalCluster, LocalNode, PartitionOptions } from "./cluster/local-cluster.js";
export type { DelayOptions, Direction, DropOptions, Fault } from "./faults/fault-table.js";
export type { Party } from "./faults/party.js";
