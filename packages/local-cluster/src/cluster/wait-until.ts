import { type Clock, QuorumError } from "@quorumfs/core";

/** Often enough that a test loses no time, seldom enough that looking costs nothing. */
const lookEveryMs = 20;

/**
 * Resolves as soon as `condition` holds, looking again and again. A condition that throws does not hold yet.
 *
 * @param what said in the error: "the file is on three nodes again"
 * @throws QuorumError `unavailable` after `timeoutMs`, with the last thing that `condition` threw as its cause
 */
export async function waitUntil(options: {
  readonly what: string;
  readonly condition: () => boolean | Promise<boolean>;
  readonly timeoutMs: number;
  readonly clock: Clock;
}): Promise<void> {
  const { what, condition, timeoutMs, clock } = options;
  const startedMs = clock.nowMs();
  let cause: unknown;
  do {
    try {
      cause = undefined;
      if (await condition()) return;
    } catch (error) {
      cause = error;
    }
    await new Promise<void>((resolve) => clock.after(lookEveryMs, resolve));
  } while (clock.nowMs() - startedMs < timeoutMs);
  throw new QuorumError({ code: "unavailable", message: `waited ${timeoutMs} ms in vain until ${what}`, cause });
}
