export { type DataNodeConfig, dataNodeConfig } from "./config.js";
export { type DataNode, type DataNodeOptions, startDataNode } from "./datanode.js";
export { isStoreUseless } from "./store-fault.js";
