export { type ContentFilesOptions, openContentFiles } from "./adapters/content-files.js";
export { type CommittedGroup, openLmdbDisk } from "./adapters/lmdb-disk.js";
export { openDiskProbe } from "./adapters/open-disk-probe.js";
export { type ParseOptions, type Parsed, parseSettings } from "./adapters/parse-settings.js";
export {
  createLog,
  type LogLevel,
  logLevels,
  type ProcessLog,
  type ProcessLogOptions,
} from "./adapters/process-log.js";
export { type ProcessFacts, processFacts } from "./adapters/process-facts.js";
export { type ProcessProbe, processProbe, type ProcessSample } from "./adapters/process-probe.js";
export { type Binary, runBinary, type Running } from "./adapters/run-binary.js";
export { type SetAside, setStoreAside } from "./adapters/set-aside.js";
export { nodeFileSystem } from "./adapters/node-file-system.js";
export type { DiskProbe } from "./content/disk-probe.js";
export type { FileSystem, OpenDirectory, OpenFile } from "./content/file-system.js";
export * from "./lean.js";
export { parsePercentage } from "./percentage.js";
export { SealedTable } from "./sealed-table.js";
export { watchedDisk } from "./watched-disk.js";
