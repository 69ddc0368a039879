export { type SuperNodeConfig, superNodeConfig } from "./config.js";
export { startSuperNode, type SuperNode, type SuperNodeOptions } from "./supernode.js";
