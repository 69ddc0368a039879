import type { Clock } from "@quorumfs/core";
import { systemClock } from "@quorumfs/runtime";

/**
 * The system's clock with one origin for all processes of the machine, so that times from several of them can be
 * compared. `process.hrtime` counts from a point that they share, `performance.now` from the start of each.
 */
export function machineClock(): Clock {
  const clock = systemClock();
  const [seconds, nanoseconds] = process.hrtime();
  const originMs = seconds * 1e3 + nanoseconds / 1e6 - clock.nowMs();
  return { ...clock, nowMs: () => originMs + clock.nowMs() };
}
