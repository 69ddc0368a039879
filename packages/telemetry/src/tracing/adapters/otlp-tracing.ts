/** Spans by OpenTelemetry, sent as OTLP over HTTP. Sets nothing global: a program that uses OpenTelemetry itself is left alone. */
import {
  type Context,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import type { Collector } from "../collector.js";
import { parseTraceparent, traceparentOf } from "../traceparent.js";
import type { RootSpanOptions, Span, SpanAttributes, SpanOptions, SpanRole, Tracer } from "../tracer.js";
import type { Tracing } from "./open-tracing.js";

// Spans that wait for the collector; what comes on top of them is dropped. Some 3 MiB.
const queuedMax = 4096;
const batchMax = 512;
const sendEveryMs = 1000;
// A collector beside us takes milliseconds.
const exportTimeoutMs = 5000;
// A process that was told to stop must not hang on account of a collector that does not answer.
const closeTimeoutMs = 2000;

export function otlpTracing(collector: Collector, version: string): Tracing {
  const { url, headers, serviceName, resource } = collector;
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: exportTimeoutMs });
  const processor = new BatchSpanProcessor(exporter, {
    maxQueueSize: queuedMax,
    maxExportBatchSize: batchMax,
    scheduledDelayMillis: sendEveryMs,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const provider = new BasicTracerProvider({
    sampler: samplerOf(collector),
    resource: resourceFromAttributes({ ...resource, "service.name": serviceName, "service.version": version }),
    spanProcessors: [processor],
  });
  const tracer = new OtlpTracer(provider.getTracer("quorumfs", version));
  let closing: Promise<void> | undefined;
  return { tracer, close: () => (closing ??= within(closeTimeoutMs, provider.shutdown())) };
}

function samplerOf({ ratio, ignoresParent }: Collector): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return ignoresParent ? root : new ParentBasedSampler({ root });
}

/** Resolves when `work` has ended, well or not, or the time is over. */
async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work.catch(() => undefined), timeout]);
  clearTimeout(timer);
}

class OtlpTracer implements Tracer {
  readonly enabled = true;
  readonly #tracer: OtelTracer;

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer;
  }

  start(name: string, options: RootSpanOptions = {}): Span {
    const parent = parseTraceparent(options.parent ?? "");
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }) : ROOT_CONTEXT;
    return begin(this.#tracer, context, { name, ...options });
  }
}

function begin(tracer: OtelTracer, context: Context, options: SpanOptions & { readonly name: string }): Span {
  const { name, role = "internal", attributes } = options;
  const span = tracer.startSpan(name, { kind: kindOf(role), ...(attributes && { attributes }) }, context);
  return new OtlpSpan(tracer, span, trace.setSpan(context, span));
}

class OtlpSpan implements Span {
  readonly traceparent: string;
  readonly #tracer: OtelTracer;
  readonly #span: OtelSpan;
  readonly #context: Context;

  constructor(tracer: OtelTracer, span: OtelSpan, context: Context) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = context;
    this.traceparent = traceparentOf(span.spanContext());
  }

  child(name: string, options: SpanOptions = {}): Span {
    return this.#span.isRecording() ? begin(this.#tracer, this.#context, { name, ...options }) : this;
  }

  event(name: string, attributes?: SpanAttributes): void {
    this.#span.addEvent(name, attributes);
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  end(error?: { readonly code: string; readonly message: string }): void {
    if (error) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      this.#span.setAttribute("error.type", error.code);
    }
    this.#span.end();
  }
}

function kindOf(role: SpanRole): SpanKind {
  switch (role) {
    case "internal":
      return SpanKind.INTERNAL;
    case "client":
      return SpanKind.CLIENT;
    case "server":
      return SpanKind.SERVER;
  }
}
