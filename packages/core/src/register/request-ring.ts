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

/**
 * Whether a mutation that may have made a version with a counter of at least `lowest` could have been pushed out of the
 * ring.
 */
export function mayHaveLeftRing(value: Value | undefined, lowest: number): boolean {
  const oldest = value?.ring[0];
  return oldest !== undefined && value?.ring.length === ringSizeMax && oldest.counter >= lowest;
}
