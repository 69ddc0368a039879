/**
 * The last mutations of a file, kept inside its value, so that a retry that reaches any coordinator learns that it has
 * run already. Each mark carries the counter of the version that it made. That tells apart two cases in which a request
 * is not in a full ring: all marks since the request's first attempt are there (so it never ran), or older ones have been
 * pushed out (so nobody can tell).
 */
import { sameBytes } from "./condition.js";
import { type RequestMark, type Value, ringSizeMax } from "./value.js";

export function findMark(value: Value | undefined, requestId: Uint8Array): RequestMark | undefined {
  return value?.ring.find((mark) => sameBytes(mark.requestId, requestId));
}

export function withMark(value: Value | undefined, mark: RequestMark): readonly RequestMark[] {
  const ring = value?.ring ?? [];
  return [...ring.slice(Math.max(0, ring.length - ringSizeMax + 1)), mark];
}

/** The mark of a mutation that was answered "condition failed" though another attempt of it may be running. */
export function refusalOf(requestId: Uint8Array): RequestMark {
  return { requestId, counter: 0 };
}

export function isRefusal(mark: RequestMark): boolean {
  return mark.counter === 0;
}

/**
 * Whether a mutation that is not in `value`'s ring, and that can only have made a version with a counter of at least
 * `lowest`, may have run all the same: its mark was pushed out, or went with a tombstone that was collected (which the
 * floor tells). A ring that reaches back to `lowest` leaves no doubt: it holds everything since. Neither does a version
 * below `lowest`: nothing has been made since.
 */
export function mayBeForgotten(options: {
  readonly value: Value | undefined;
  readonly floor: number;
  readonly lowest: number;
}): boolean {
  const { value, floor, lowest } = options;
  if (value && value.version.counter < lowest) return false;
  const ring = value?.ring ?? [];
  const oldest = ring.find((mark) => !isRefusal(mark));
  if (oldest && oldest.counter <= lowest) return false;
  return ring.length === ringSizeMax || floor >= lowest;
}
