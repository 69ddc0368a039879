import { monitorEventLoopDelay } from "node:perf_hooks";

/** What this process is doing, since the sample before. */
export interface ProcessSample {
  /** 99th percentile of how late the event loop was. */
  readonly eventLoopDelayMs: number;
  /** Processor time, as a fraction of one core. */
  readonly cpuFraction: number;
  readonly residentBytes: number;
}

export interface ProcessProbe {
  sample(): ProcessSample;
  close(): void;
}

/** Between two looks at the loop: finer costs more than it tells. */
const resolutionMs = 20;

export function processProbe(): ProcessProbe {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let cpu = process.cpuUsage();
  let atMs = performance.now();
  return {
    sample: () => {
      const nowMs = performance.now();
      const used = process.cpuUsage(cpu);
      const elapsedMs = Math.max(1, nowMs - atMs);
      // The histogram holds the time between two looks; what goes beyond the interval is delay. Empty, it says NaN.
      const delayMs = delays.percentile(99) / 1e6 - resolutionMs;
      const sample = {
        eventLoopDelayMs: delayMs > 0 ? delayMs : 0,
        cpuFraction: (used.user + used.system) / 1000 / elapsedMs,
        residentBytes: process.memoryUsage.rss(),
      };
      cpu = process.cpuUsage();
      atMs = nowMs;
      delays.reset();
      return sample;
    },
    close: () => void delays.disable(),
  };
}
