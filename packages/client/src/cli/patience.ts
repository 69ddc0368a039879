import { type Clock, type Log, type LogFields } from "@quorumfs/core";

// By then a person asks what it is doing.
const quietMs = 2000;
const repeatMs = 5000;

/** A log that keeps to itself, but says what keeps an operation waiting when that takes long. */
export function patienceLog(clock: Clock, say: (line: string) => void): Log {
  const startedAtMs = clock.nowMs();
  let saidAtMs = -Infinity;
  const log: Log = {
    debug(event: string, fields?: LogFields) {
      const nowMs = clock.nowMs();
      if (event !== "operation.retried" || nowMs - startedAtMs < quietMs || nowMs - saidAtMs < repeatMs) return;
      saidAtMs = nowMs;
      say(`quorumfs: still trying to ${String(fields?.operation)}: ${String(fields?.error)}`);
    },
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    child: () => log,
  };
  return log;
}
