import { type DiskProbe, diskProbe } from "../content/disk-probe.js";
import { nodeFileSystem } from "./node-file-system.js";
import { systemClock } from "./system-clock.js";

/** Measures the volume of a directory, which must exist. */
export function openDiskProbe(directory: string): DiskProbe {
  return diskProbe({ fileSystem: nodeFileSystem, directory, clock: systemClock() });
}
