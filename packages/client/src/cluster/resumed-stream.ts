import { type CallOptions, type Channel, type Clock, QuorumError, type Random } from "@quorumfs/core";
import { callWith, type OperationOptions } from "../options.js";
import { backoffMs } from "../retry/backoff.js";
import { type Control, noSuperNode } from "./control.js";

export interface ResumedStreamOptions<Message> {
  readonly control: Control;
  readonly clock: Clock;
  readonly random: Random;
  /** `timeoutMs`: the longest time without a SuperNode. */
  readonly call: OperationOptions;
  /** A stream that is silent for so long hangs, or its connection does; undefined: silence says nothing. */
  readonly silenceMaxMs?: number;
  /** Begins anew where the messages so far have ended. */
  readonly open: (channel: Channel, call: CallOptions) => AsyncIterable<Message>;
}

/**
 * What a SuperNode tells without end, over its restarts and from whichever of the endpoints answers.
 *
 * @throws QuorumError `unavailable` if none answers for `timeoutMs`, `cancelled` by the signal, and what the SuperNode refuses
 */
export async function* resumed<Message>(
  options: ResumedStreamOptions<Message>,
): AsyncGenerator<Message, void, undefined> {
  const { control, clock, random, silenceMaxMs, open } = options;
  const { timeoutMs, signal } = callWith(options.call);
  let heardAtMs = clock.nowMs();
  for (let round = 1; ; round += 1) {
    const { channel } = control;
    const attempt = new AbortController();
    const giveUp = (): void => attempt.abort();
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted === true) giveUp();
    const watchSilence = () => (silenceMaxMs === undefined ? () => undefined : clock.after(silenceMaxMs, giveUp));
    let endSilence = watchSilence();
    let failure: QuorumError | undefined;
    try {
      for await (const message of open(channel, { signal: attempt.signal })) {
        endSilence();
        round = 0;
        heardAtMs = clock.nowMs();
        yield message;
        heardAtMs = clock.nowMs();
        endSilence = watchSilence();
      }
    } catch (thrown) {
      failure = QuorumError.from(thrown);
    } finally {
      endSilence();
      signal?.removeEventListener("abort", giveUp);
    }
    if (signal?.aborted === true) throw cancelled(failure);
    const isSilent = attempt.signal.aborted;
    if (failure && failure.code !== "unavailable" && !isSilent) throw failure;
    control.turn(channel);
    if (clock.nowMs() - heardAtMs >= timeoutMs) throw noSuperNode([channel.address], failure);
    await pause(backoffMs(Math.max(1, round), random), clock, signal);
  }
}

/** Ends early when the signal says so. */
function pause(pauseMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(pauseMs, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}

function cancelled(cause: QuorumError | undefined): QuorumError {
  if (cause?.code === "cancelled") return cause;
  return new QuorumError({ code: "cancelled", message: "the watch was given up", cause });
}
