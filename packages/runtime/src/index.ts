export { type ContentFilesOptions, openContentFiles } from "./adapters/content-files.js";
export { openLmdbDisk } from "./adapters/lmdb-disk.js";
export { type ParseOptions, type Parsed, parseSettings } from "./adapters/parse-settings.js";
export {
  createLog,
  type LogLevel,
  logLevels,
  type ProcessLog,
  type ProcessLogOptions,
} from "./adapters/process-log.js";
export { type ProcessProbe, processProbe, type ProcessSample } from "./adapters/process-probe.js";
export { type Binary, runBinary, type Running } from "./adapters/run-binary.js";
export { systemClock } from "./adapters/system-clock.js";
export { systemRandom } from "./adapters/system-random.js";
export { versionOf } from "./adapters/version-of.js";
export { formatBytes, parseBytes } from "./bytes.js";
export { crc32c } from "./content/crc32c.js";
export { decodeManifest, encodeManifest } from "./content/manifest-codec.js";
export { nodeFileSystem } from "./adapters/node-file-system.js";
export type { FileSystem, OpenDirectory, OpenFile } from "./content/file-system.js";
export { parseDuration } from "./duration.js";
export { environmentName, type Settings, settingsFromEnvironment } from "./settings.js";
export { silentLog } from "./silent-log.js";
