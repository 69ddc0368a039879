/** What also a process needs that lives for a moment only: traces, without the metrics. */
export { openTracing, type Tracing, type TracingOptions } from "./tracing/adapters/open-tracing.js";
export { noTracer, type RootSpanOptions, type Span, type SpanAttributes, type Tracer } from "./tracing/tracer.js";
