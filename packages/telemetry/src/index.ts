export { processMetrics, type ProcessMetricsOptions } from "./adapters/process-metrics.js";
export {
  type HttpLimits,
  httpLimitsDefault,
  type HttpServing,
  serveHttp,
  type ServeHttpOptions,
} from "./adapters/serve-http.js";
export { isLoopback } from "./http/own-host.js";
export { parsePortOrOff } from "./http/port-setting.js";
export { httpStatusOf, sendError, sendJson } from "./http/replies.js";
export { healthRoute, type HttpHandler, metricsRoute } from "./http/routes.js";
export type { HistogramSample, Sample } from "./metrics/collected.js";
export type { Counter } from "./metrics/counter.js";
export { type Labels, otherLabel, seriesMax } from "./metrics/family.js";
export { exponentialBounds, Histogram } from "./metrics/histogram.js";
export { latencySecondsBounds, latencySecondsCounts } from "./metrics/latency-seconds.js";
export {
  type CounterFamily,
  type HistogramFamily,
  type HistogramOptions,
  type MetricDescription,
  type MetricOptions,
  Metrics,
  metricsText,
  type MetricType,
  type ReadHistogramOptions,
  type ReadOptions,
} from "./metrics/metrics.js";
export * from "./lean.js";
