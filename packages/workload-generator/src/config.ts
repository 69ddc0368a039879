import { checkBucketName, inlineBytesMax, QuorumError } from "@quorumfs/core";
import { parseDuration } from "@quorumfs/runtime";
import { parsePortOrOff } from "@quorumfs/telemetry";
import { stampBytesMax } from "./content/unique-content.js";
import { type DistributionName, distributionNames } from "./plan/distribution.js";
import { type Mode, modes, readRatioOf } from "./plan/mix.js";
import { parseSizeRange, type SizeRange } from "./plan/size-range.js";

export const outputs = ["table", "json", "csv"] as const;
export type Output = (typeof outputs)[number];

export const progressForms = ["auto", "json", "none"] as const;
/** How a run says on stderr how far it is: to people, to programs with a JSON object a line, or not at all. */
export type ProgressForm = (typeof progressForms)[number];

/** What a run does; complete and checked. */
export interface WorkloadConfig {
  /** SuperNodes, `host:port`. */
  readonly endpoints: readonly string[];
  readonly bucket: string;
  readonly mode: Mode;
  /** Part of reads among the operations; 1 for state queries. */
  readonly readRatio: number;
  /** Undefined: until `durationMs` is over. */
  readonly operations: number | undefined;
  /** Undefined: until all operations are done. */
  readonly durationMs: number | undefined;
  /** Operations under way at once, in all processes together. */
  readonly concurrency: number;
  readonly files: number;
  readonly size: SizeRange;
  readonly distribution: DistributionName;
  /** Operations a second to be started, whatever becomes of them. Undefined: as fast as they are answered. */
  readonly ratePerSecond: number | undefined;
  readonly seed: number;
  readonly processes: number;
  readonly timeoutMs: number;
  readonly verify: boolean;
  readonly keep: boolean;
  readonly output: Output;
  readonly progress: ProgressForm;
  readonly report: string | undefined;
  /** Where the run's metrics are served; undefined: nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
}

/** The flags of the command line, by name. */
export const settings = {
  mode: {
    choices: modes,
    default: "balanced" as const,
    describe: "95 % reads, 5 % reads, half and half, or questions about files and nodes",
  },
  "read-ratio": { type: "number", describe: "Part of reads, 0 to 1, instead of the mode's" },
  ops: { type: "number", describe: "How many operations", defaultDescription: "10000 unless --duration" },
  duration: { type: "string", describe: "How long at most: 30s, 5m" },
  concurrency: { type: "number", default: 64, describe: "Operations under way at once, in all processes together" },
  files: { type: "number", default: 1000, describe: "How many files; they are written before the run starts" },
  size: { type: "string", default: "1KiB", describe: "Size of a file, or a range: 4KiB..64KiB" },
  distribution: {
    choices: distributionNames,
    default: "uniform" as const,
    describe: "Which files: all alike, few most of the time (zipfian), or 80 % of operations to 20 % (hotspot)",
  },
  rate: {
    type: "number",
    describe: "Operations a second to start, answered or not; latency then counts from when each should have started",
  },
  seed: { type: "number", describe: "Makes the same choices again", defaultDescription: "random; printed" },
  bucket: { type: "string", default: "files", describe: "Where the files go" },
  processes: { type: "number", default: 1, describe: "Processes that share the work" },
  endpoint: {
    alias: "e",
    type: "array",
    string: true,
    default: ["127.0.0.1:7000"],
    describe: "SuperNode, as HOST:PORT; several are tried in turn",
  },
  timeout: { type: "string", default: "30s", describe: "Deadline of one operation, retries included" },
  verify: {
    type: "boolean",
    default: false,
    describe: "Record what is seen and check it for linearizability; a violation is shown, exit code 1",
  },
  keep: { type: "boolean", default: false, describe: "Leave the files; a violation always leaves them" },
  output: { alias: "o", choices: outputs, default: "table" as const, describe: "Results on stdout" },
  progress: {
    choices: progressForms,
    default: "auto" as const,
    describe: "How far it is, on stderr: for people, as one JSON object a line, or not at all",
  },
  report: { type: "string", describe: "Also write a page with plots, like out.html" },
  "metrics-port": {
    type: "string",
    default: "off",
    describe: "Port of /metrics and /healthz over HTTP while it runs; 0 takes any",
  },
  "metrics-host": { type: "string", default: "127.0.0.1", describe: "Address of /metrics" },
} as const;

/** What the flags hold once they are parsed. */
export interface SettingValues {
  readonly mode: Mode;
  readonly "read-ratio"?: number | undefined;
  readonly ops?: number | undefined;
  readonly duration?: string | undefined;
  readonly concurrency: number;
  readonly files: number;
  readonly size: string;
  readonly distribution: DistributionName;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  readonly bucket: string;
  readonly processes: number;
  readonly endpoint: readonly string[];
  readonly timeout: string;
  readonly verify: boolean;
  readonly keep: boolean;
  readonly output: Output;
  readonly progress: ProgressForm;
  readonly report?: string | undefined;
  readonly "metrics-port": string;
  readonly "metrics-host": string;
}

const operationsDefault = 10_000;
const operationsMax = 2 ** 40;
/** A history is kept in memory, at some 300 bytes an operation. */
export const verifiedOperationsMax = 2_000_000;
/** Above it, a DataNode's own bound (`resource_exhausted`) is what would be measured. */
const concurrencyMax = 16_384;
const filesMax = 10_000_000;
const processesMax = 64;
const rateMax = 1_000_000;

/**
 * @param randomSeed taken if no seed was given
 * @throws QuorumError `invalid_argument`
 */
export function workloadConfig(values: SettingValues, randomSeed: number): WorkloadConfig {
  const { mode, verify } = values;
  const ratio = values["read-ratio"];
  if (mode === "state-query" && ratio !== undefined) throw invalid("--read-ratio does not go with --mode state-query");
  if (mode === "state-query" && verify) {
    throw invalid("--verify does not go with --mode state-query, which returns no contents that could be checked");
  }
  if (ratio !== undefined && !(ratio >= 0 && ratio <= 1)) throw invalid("--read-ratio must be from 0 to 1");
  const processes = whole("--processes", values.processes, processesMax);
  const concurrency = whole("--concurrency", values.concurrency, concurrencyMax);
  if (concurrency < processes) throw invalid("--concurrency must be at least --processes: each process needs one");
  const operations =
    values.ops ?? (values.duration === undefined ? operationsDefault : verify ? verifiedOperationsMax : undefined);
  const most = verify ? verifiedOperationsMax : operationsMax;
  return {
    endpoints: values.endpoint.flatMap((text) => text.split(",")).map((text) => text.trim()),
    bucket: checkBucketName(values.bucket),
    mode,
    readRatio: ratio ?? (mode === "state-query" ? 1 : readRatioOf(mode)),
    operations:
      operations === undefined ? undefined : whole(verify ? "with --verify, --ops" : "--ops", operations, most),
    durationMs: values.duration === undefined ? undefined : duration("--duration", values.duration),
    concurrency,
    files: whole("--files", values.files, filesMax),
    size: checkSize(parseSizeRange(values.size), verify),
    distribution: values.distribution,
    ratePerSecond: values.rate === undefined ? undefined : rate(values.rate),
    seed: values.seed === undefined ? randomSeed : seed(values.seed),
    processes,
    timeoutMs: duration("--timeout", values.timeout),
    verify,
    keep: values.keep,
    output: values.output,
    progress: values.progress,
    report: values.report,
    metrics: metricsAt(values),
  };
}

function checkSize(size: SizeRange, verify: boolean): SizeRange {
  if (size.maxBytes > inlineBytesMax) throw invalid(`--size is at most ${inlineBytesMax / 1024}KiB for now`);
  if (verify && size.minBytes <= stampBytesMax) {
    throw invalid(`--verify needs --size above ${stampBytesMax} bytes, since every content tells who wrote it`);
  }
  return size;
}

function metricsAt(values: SettingValues): WorkloadConfig["metrics"] {
  const port = parsePortOrOff("--metrics-port", values["metrics-port"]);
  return port === undefined ? undefined : { host: values["metrics-host"], port };
}

function whole(flag: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw invalid(`${flag} must be a whole number from 1 to ${max}`);
}

function seed(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`--seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
}

function rate(value: number): number {
  if (value > 0 && value <= rateMax) return value;
  throw invalid(`--rate must be above 0 and at most ${rateMax} operations a second`);
}

function duration(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw invalid(`${flag} must be above 0`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
