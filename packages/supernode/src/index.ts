export { type SuperNodeConfig, superNodeConfig } from "./config.js";
export { declareReadings, superNodeInstruments } from "./metrics.js";
export { startSuperNode, type SuperNode, type SuperNodeOptions } from "./supernode.js";
