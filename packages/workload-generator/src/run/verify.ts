import type { Clock } from "@quorumfs/core";
import { checkLinearizable } from "../history/check.js";
import type { Operation } from "../history/operation.js";
import type { Verification } from "../report/report.js";

/** Checks what all processes of a run saw. */
export function verify(history: readonly Operation[], clock: Clock): Verification {
  const startedAt = clock.nowMs();
  const verdict = checkLinearizable(history);
  return {
    verdict,
    operations: history.length,
    files: new Set(history.map(({ file }) => file)).size,
    unknown: history.filter(({ outcome }) => outcome.kind === "unknown").length,
    tookMs: clock.nowMs() - startedAt,
  };
}
