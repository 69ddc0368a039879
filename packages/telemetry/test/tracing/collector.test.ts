import { describe, expect, test } from "@jest/globals";
import { collectorOf } from "../../src/tracing/collector.js";
import { parseTraceparent, traceparentOf } from "../../src/tracing/traceparent.js";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };

describe("where spans go", () => {
  test.each([
    ["nothing is set", {}],
    ["it is set to nothing", { OTEL_EXPORTER_OTLP_ENDPOINT: " " }],
    ["the SDK is disabled", { ...endpoint, OTEL_SDK_DISABLED: "true" }],
    ["traces are not exported", { ...endpoint, OTEL_TRACES_EXPORTER: "none" }],
  ])("nowhere: %s", (_, environment) => {
    expect(collectorOf(environment, "us")).toBeUndefined();
  });

  test("the path is added to the shared endpoint, and not to that of traces", () => {
    expect(collectorOf(endpoint, "us")?.url).toBe("http://127.0.0.1:4318/v1/traces");
    const slash = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/base/" };
    expect(collectorOf(slash, "us")?.url).toBe("http://c:4318/base/v1/traces");
    const own = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://c/in" };
    expect(collectorOf(own, "us")?.url).toBe("https://c/in");
  });

  test("headers, of which those of traces win, and the service's name", () => {
    const environment = {
      ...endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20abc, x=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x=2",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=from-resource,zone=b",
    };
    expect(collectorOf(environment, "us")).toMatchObject({
      headers: { authorization: "Basic abc", x: "2" },
      serviceName: "from-resource",
      resource: { zone: "b" },
      ratio: 1,
      ignoresParent: false,
    });
    expect(collectorOf({ ...environment, OTEL_SERVICE_NAME: "mine" }, "us")?.serviceName).toBe("mine");
    expect(collectorOf(endpoint, "us")?.serviceName).toBe("us");
  });

  test.each([
    ["parentbased_traceidratio", "0.25", { ratio: 0.25, ignoresParent: false }],
    ["traceidratio", "0.5", { ratio: 0.5, ignoresParent: true }],
    ["always_off", undefined, { ratio: 0, ignoresParent: true }],
    ["parentbased_always_on", "0.1", { ratio: 1, ignoresParent: false }],
  ])("sampler %s %s", (sampler, argument, expected) => {
    const environment = { ...endpoint, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument };
    expect(collectorOf(environment, "us")).toMatchObject(expected);
  });

  test.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: "127.0.0.1:4318" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://c" },
    { ...endpoint, OTEL_TRACES_SAMPLER: "sometimes" },
    { ...endpoint, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" },
    { ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: "no pair" },
  ])("what makes no sense is refused: %j", (environment) => {
    expect(() => collectorOf(environment, "us")).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("W3C Trace Context", () => {
  const text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  test("read and written", () => {
    const identity = parseTraceparent(text);
    expect(identity).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
    });
    expect(identity && traceparentOf(identity)).toBe(text);
  });

  test.each([
    "",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    `${text}-more`,
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    text.toUpperCase(),
    `${text}\n00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`,
  ])("not one: %j", (malformed) => {
    expect(parseTraceparent(malformed)).toBeUndefined();
  });

  test("a later version may say more", () => {
    expect(parseTraceparent(text.replace(/^00/, "01") + "-more")?.spanId).toBe("b7ad6b7169203331");
  });
});
