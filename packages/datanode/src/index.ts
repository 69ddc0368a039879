export { type DataNodeConfig, dataNodeConfig } from "./config.js";
export { type DataNode, type DataNodeOptions, startDataNode } from "./datanode.js";
export { dataNodeMetrics, type DataNodeSources } from "./metrics.js";
export { StoreMeter } from "./observe/store-meter.js";
export { isStoreUseless } from "./store-fault.js";
