/**
 * Spans: what an operation did, as a tree with times, over all processes that took part. This interface is all that the rest of
 * the code knows of tracing; OpenTelemetry is behind it, and is loaded only where somebody collects.
 */

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** `client`: it waits for another process; `server`: it was asked by one. */
export type SpanRole = "internal" | "client" | "server";

export interface SpanOptions {
  /** Default `internal`. */
  readonly role?: SpanRole;
  readonly attributes?: SpanAttributes;
}

export interface RootSpanOptions extends SpanOptions {
  /** W3C Trace Context of whoever asked; empty or not one: a trace of its own begins. */
  readonly parent?: string;
}

/** Something that takes time. One that is not sampled keeps nothing, but says so to whom it asks. */
export interface Span {
  /** W3C Trace Context, for those who are asked on behalf of this span. */
  readonly traceparent: string;
  child(name: string, options?: SpanOptions): Span;
  /** Something that happened at an instant. */
  event(name: string, attributes?: SpanAttributes): void;
  set(attributes: SpanAttributes): void;
  /** To be called once. @param error why it failed */
  end(error?: { readonly code: string; readonly message: string }): void;
}

export interface Tracer {
  /** False: every span would be for nothing. To be asked first where there are many operations. */
  readonly enabled: boolean;
  start(name: string, options?: RootSpanOptions): Span;
}

const noSpan: Span = {
  traceparent: "",
  child: () => noSpan,
  event: () => undefined,
  set: () => undefined,
  end: () => undefined,
};

/** Follows nothing. */
export const noTracer: Tracer = { enabled: false, start: () => noSpan };
