export type { ConsoleConfig } from "./config.js";
export { checkConsoleConfig } from "./config.js";
export { type Console, type ConsoleOptions, startConsole } from "./console.js";
