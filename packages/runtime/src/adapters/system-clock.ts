import type { Clock } from "@quorumfs/core";

/** The machine's own time. Timers do not keep the process alive. */
export function systemClock(): Clock {
  return {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: (delayMs, action) => {
      const timer = setTimeout(action, delayMs).unref();
      return () => clearTimeout(timer);
    },
    endOfTurn: (action) => void setImmediate(action),
  };
}
