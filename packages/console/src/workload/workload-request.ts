import type { WorkloadRequest } from "../api.js";
import { distributions, workloadModes } from "../api-values.js";
import { Fields } from "../server/body.js";
import { invalid } from "../server/refusal.js";

const known = [
  "mode",
  "operations",
  "durationSeconds",
  "ratePerSecond",
  "concurrency",
  "files",
  "size",
  "distribution",
  "bucket",
  "verify",
] as const satisfies readonly (keyof WorkloadRequest)[];

/** What one person may set off from a page; the generator itself takes more. */
const operationsMax = 100_000_000;
const durationSecondsMax = 86_400;
const rateMax = 1_000_000;
const concurrencyMax = 4_096;
const filesMax = 1_000_000;

/** @throws QuorumError `invalid_argument` */
export function workloadRequest(body: unknown): WorkloadRequest {
  const fields = new Fields(body, known);
  const mode = fields.oneOf("mode", workloadModes);
  if (mode === undefined) throw invalid(`mode is missing: one of ${workloadModes.join(", ")}`);
  const ratePerSecond = fields.number("ratePerSecond");
  if (ratePerSecond !== undefined && !(ratePerSecond > 0 && ratePerSecond <= rateMax)) {
    throw invalid(`ratePerSecond must be above 0 and at most ${rateMax}`);
  }
  const size = fields.text("size");
  // What it means is the generator's business; that it is no flag is ours.
  if (size !== undefined && !/^[\w.]{1,40}$/.test(size)) throw invalid("size is like 1KiB or 4KiB..64KiB");
  const bucket = fields.text("bucket");
  if (bucket !== undefined && !/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket))
    throw invalid("bucket is no name of a bucket");
  return withoutMissing({
    mode,
    operations: fields.whole("operations", operationsMax),
    durationSeconds: fields.whole("durationSeconds", durationSecondsMax),
    ratePerSecond,
    concurrency: fields.whole("concurrency", concurrencyMax),
    files: fields.whole("files", filesMax),
    size,
    distribution: fields.oneOf("distribution", distributions),
    bucket,
    verify: fields.flag("verify"),
  });
}

type Sparse<T> = { readonly [Key in keyof T]: T[Key] | undefined };

function withoutMissing(
  request: Sparse<Required<WorkloadRequest>> & { readonly mode: WorkloadRequest["mode"] },
): WorkloadRequest {
  const { mode, operations, durationSeconds, ratePerSecond, concurrency, files, size, distribution, bucket, verify } =
    request;
  return {
    mode,
    ...(operations !== undefined && { operations }),
    ...(durationSeconds !== undefined && { durationSeconds }),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    ...(concurrency !== undefined && { concurrency }),
    ...(files !== undefined && { files }),
    ...(size !== undefined && { size }),
    ...(distribution !== undefined && { distribution }),
    ...(bucket !== undefined && { bucket }),
    ...(verify !== undefined && { verify }),
  };
}

/** The generator's command line. */
export function workloadArguments(request: WorkloadRequest, endpoints: readonly string[]): readonly string[] {
  const flags: readonly (readonly [string, string | number | undefined])[] = [
    ["mode", request.mode],
    ["ops", request.operations],
    ["duration", request.durationSeconds === undefined ? undefined : `${request.durationSeconds}s`],
    ["rate", request.ratePerSecond],
    ["concurrency", request.concurrency],
    ["files", request.files],
    ["size", request.size],
    ["distribution", request.distribution],
    ["bucket", request.bucket],
  ];
  return [
    ...flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
    ...(request.verify === true ? ["--verify"] : []),
    ...endpoints.flatMap((endpoint) => ["--endpoint", endpoint]),
    "--output",
    "json",
    "--progress",
    "json",
  ];
}
