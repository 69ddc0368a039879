/** W3C Trace Context: `00-<32 digits of the trace>-<16 of the span>-<flags>`. @see https://www.w3.org/TR/trace-context/ */

export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
  /** Bit 0: it is sampled. */
  readonly traceFlags: number;
}

// A later version may add fields behind the flags, and keeps these as they are.
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** @returns undefined if it is none: who was asked in a way that nobody understands begins a trace of his own */
export function parseTraceparent(text: string): SpanIdentity | undefined {
  const [, version, traceId, spanId, flags, rest] = pattern.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanIdentity): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
}
