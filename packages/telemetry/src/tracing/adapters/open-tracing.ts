import { type Environment, collectorOf } from "../collector.js";
import { noTracer, type Tracer } from "../tracer.js";

export interface TracingOptions {
  readonly environment: Environment;
  /** What this process is called where the environment says nothing: `quorumfs-datanode`. */
  readonly serviceName: string;
  /** Of this software. */
  readonly version: string;
}

/** A process's way to its collector. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left, for two seconds at most. Never throws. Idempotent. */
  readonly close: () => Promise<void>;
}

const off: Tracing = { tracer: noTracer, close: () => Promise.resolve() };

/**
 * Loads OpenTelemetry and sends spans to the collector that the environment names; without one, loads and does nothing. A
 * collector that cannot be reached costs its spans and nothing else.
 *
 * @throws QuorumError `invalid_argument`: the environment makes no sense
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const collector = collectorOf(options.environment, options.serviceName);
  if (!collector) return off;
  const { otlpTracing } = await import("./otlp-tracing.js");
  return otlpTracing(collector, options.version);
}
