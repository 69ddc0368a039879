/** What costs nothing to load: clients take it from here, and are spared the stores and logs that only servers use. */
export { systemClock } from "./adapters/system-clock.js";
export { systemRandom } from "./adapters/system-random.js";
export { versionOf } from "./adapters/version-of.js";
export { formatBytes, parseBytes } from "./bytes.js";
export { crc32c } from "./content/crc32c.js";
export { decodeManifest, encodeManifest } from "./content/manifest-codec.js";
export { parseDuration } from "./duration.js";
export { environmentName, type Settings, settingsFromEnvironment } from "./settings.js";
export { silentLog } from "./silent-log.js";
