import type { Clock } from "@quorumfs/core";

export interface DriveOptions<Operation> {
  /** The next operation, or undefined when there is none left. */
  readonly next: () => Operation | undefined;
  /** Must not reject. */
  readonly perform: (operation: Operation, intendedAt: number | undefined) => Promise<void>;
  /** Operations under way at once. */
  readonly concurrency: number;
  /** Undefined: each one starts when another has ended. */
  readonly ratePerSecond: number | undefined;
  readonly durationMs: number | undefined;
  readonly clock: Clock;
}

/** Operations that are under way until there are none left, time is up, or somebody stops it. */
export interface Drive {
  /** Resolves when the last operation that was begun has ended. */
  readonly ended: Promise<void>;
  /** Begins no more. Idempotent. */
  stop(): void;
}

// Beyond so many, the process hears first what has become of them. What is refused at once would else make room for the
// next at once, and so on forever.
const startsPerTurn = 1024;

/**
 * Starts operations, at once.
 *
 * Closed loop: as many are under way as may be. A cluster that stalls then also stalls the load, and the latencies that
 * users would have met meanwhile are never measured. With a rate the loop is open: operation i is due at i / rate, whatever
 * became of the earlier ones; one that cannot start in time because too many are under way has its waiting counted
 * (Tene, "How NOT to measure latency").
 */
export function drive<Operation>(options: DriveOptions<Operation>): Drive {
  const { next, perform, concurrency, ratePerSecond, durationMs, clock } = options;
  const startedAt = clock.nowMs();
  let underWay = 0;
  let begun = 0;
  let begunInTurn = 0;
  let stopped = false;
  let cancelTimer = (): void => undefined;
  let resolveEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve;
  });
  const cancelDuration = durationMs === undefined ? () => undefined : clock.after(durationMs, stop);

  function stop(): void {
    stopped = true;
    cancelTimer();
    cancelDuration();
    if (underWay === 0) resolveEnded();
  }

  function start(): void {
    while (!stopped && underWay < concurrency) {
      const intendedAt = ratePerSecond === undefined ? undefined : startedAt + (begun * 1000) / ratePerSecond;
      if (intendedAt !== undefined && intendedAt > clock.nowMs()) {
        cancelTimer();
        cancelTimer = clock.after(intendedAt - clock.nowMs(), start);
        return;
      }
      if (begunInTurn === startsPerTurn) return;
      const operation = next();
      if (operation === undefined) {
        stop();
        return;
      }
      if (begunInTurn === 0) clock.endOfTurn(goOn);
      begunInTurn += 1;
      begun += 1;
      underWay += 1;
      void perform(operation, intendedAt).then(onEnd, onEnd);
    }
  }

  function goOn(): void {
    const wasHeldUp = begunInTurn === startsPerTurn;
    begunInTurn = 0;
    if (wasHeldUp) start();
  }

  function onEnd(): void {
    underWay -= 1;
    start();
    if (stopped && underWay === 0) resolveEnded();
  }

  start();
  return { ended, stop };
}
