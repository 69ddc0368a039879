/** Where spans go, by OpenTelemetry's environment variables. */
import { QuorumError } from "@quorumfs/core";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Collector {
  /** Of OTLP over HTTP, with the path. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
  /** Share of the traces that begin in this process and are kept, 0 to 1; of others, whoever began them has decided. */
  readonly ratio: number;
  /** Whether traces that others began are decided on anew. */
  readonly ignoresParent: boolean;
}

/**
 * Heeds `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_ENDPOINT`, the same with `_HEADERS`, `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` with `OTEL_TRACES_SAMPLER_ARG`, `OTEL_TRACES_EXPORTER=none` and
 * `OTEL_SDK_DISABLED`.
 *
 * @returns undefined: spans go nowhere
 * @throws QuorumError `invalid_argument`
 */
export function collectorOf(environment: Environment, serviceName: string): Collector | undefined {
  const url = urlOf(environment);
  if (url === undefined || environment.OTEL_SDK_DISABLED === "true" || environment.OTEL_TRACES_EXPORTER === "none") {
    return undefined;
  }
  const resource = pairsOf(environment.OTEL_RESOURCE_ATTRIBUTES, "OTEL_RESOURCE_ATTRIBUTES");
  return {
    url,
    headers: {
      ...pairsOf(environment.OTEL_EXPORTER_OTLP_HEADERS, "OTEL_EXPORTER_OTLP_HEADERS"),
      ...pairsOf(environment.OTEL_EXPORTER_OTLP_TRACES_HEADERS, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
    },
    serviceName: given(environment.OTEL_SERVICE_NAME) ?? resource["service.name"] ?? serviceName,
    resource,
    ...samplerOf(environment),
  };
}

function urlOf(environment: Environment): string | undefined {
  const own = given(environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
  const shared = given(environment.OTEL_EXPORTER_OTLP_ENDPOINT);
  const text = own ?? (shared === undefined ? undefined : `${shared.replace(/\/$/, "")}/v1/traces`);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return text;
  throw invalid(`the OTLP endpoint ${JSON.stringify(text)} is no http:// or https:// address`);
}

function samplerOf(environment: Environment): Pick<Collector, "ratio" | "ignoresParent"> {
  const name = given(environment.OTEL_TRACES_SAMPLER) ?? "parentbased_always_on";
  const ignoresParent = !name.startsWith("parentbased_");
  switch (name.replace(/^parentbased_/, "")) {
    case "always_on":
      return { ratio: 1, ignoresParent };
    case "always_off":
      return { ratio: 0, ignoresParent };
    case "traceidratio":
      return { ratio: ratioOf(given(environment.OTEL_TRACES_SAMPLER_ARG) ?? "1"), ignoresParent };
    default:
      throw invalid(
        `OTEL_TRACES_SAMPLER ${JSON.stringify(name)} is not known; take always_on, always_off, traceidratio, or one of these behind parentbased_`,
      );
  }
}

function ratioOf(text: string): number {
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw invalid(`OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, got ${JSON.stringify(text)}`);
}

/** `a=1,b=2`, with percent encoding. */
function pairsOf(text: string | undefined, name: string): Readonly<Record<string, string>> {
  const pairs = (given(text) ?? "").split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw invalid(`${name} is not a list of NAME=VALUE`);
      return [pair.slice(0, equals).trim(), decoded(pair.slice(equals + 1).trim())];
    }),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A variable that is set to nothing counts as not set. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
