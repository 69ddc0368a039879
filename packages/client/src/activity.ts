import { QuorumError } from "@quorumfs/core";
import { AdminServiceService } from "@quorumfs/proto";
import { toActivitySample } from "./activity-figures.js";
import type { ActivitySample } from "./activity-info.js";
import { resumed, type ResumedStreamOptions } from "./cluster/resumed-stream.js";
import type { ActivityOptions } from "./options.js";

/** What the SuperNode keeps. */
const historySecondsMax = 900;
// A sample comes each second.
const silenceMaxMs = 10_000;

/** The samples of one call of `activity`. */
export async function* watchActivity(
  watch: Pick<ResumedStreamOptions<never>, "control" | "clock" | "random">,
  options: ActivityOptions,
): AsyncGenerator<ActivitySample, void, undefined> {
  const { historySeconds = 0 } = options;
  if (!Number.isInteger(historySeconds) || historySeconds < 0 || historySeconds > historySecondsMax) {
    throw new QuorumError({
      code: "invalid_argument",
      message: `historySeconds must be a whole number up to ${historySecondsMax}, got ${historySeconds}`,
    });
  }
  const { clock } = watch;
  let last: { readonly wallMs: number; readonly heardAtMs: number } | undefined;
  let isFirst = true;
  const responses = resumed({
    ...watch,
    call: options,
    silenceMaxMs,
    open: (channel, call) => {
      isFirst = true;
      const missedSeconds =
        last === undefined ? historySeconds : Math.ceil((clock.nowMs() - last.heardAtMs) / 1000) + 1;
      const request = { historySeconds: Math.min(historySecondsMax, missedSeconds) };
      return channel.serverStream(AdminServiceService.watchActivity, request, call);
    },
  });
  for await (const { samples } of responses) {
    // Only history can repeat what was told before; later on the SuperNode's wall clock may go back.
    const fresh = isFirst && last ? samples.filter(({ atMs }) => atMs > (last?.wallMs ?? 0)) : samples;
    for (const sample of fresh) {
      last = { wallMs: sample.atMs, heardAtMs: clock.nowMs() };
      yield toActivitySample(sample, isFirst);
    }
    isFirst = false;
  }
}
