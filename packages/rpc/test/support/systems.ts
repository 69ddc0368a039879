import type { Clock, Log, Random } from "@quorumfs/core";

/** Real time, for tests that run over real sockets. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
  endOfTurn: (action) => {
    setImmediate(action);
  },
};

/** Always in the middle: no jitter to account for. */
export const evenRandom: Random = { fraction: () => 0.5, bytes: (length) => new Uint8Array(length) };

/** Keeps the events of level warn and error. */
export function recordingLog(): Log & { readonly events: string[] } {
  const events: string[] = [];
  const keep = (event: string): void => {
    events.push(event);
  };
  const ignore = (): void => {};
  const log = { events, debug: ignore, info: ignore, warn: keep, error: keep, child: () => log };
  return log;
}
