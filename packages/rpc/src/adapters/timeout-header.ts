// gRPC over HTTP2, "Requests": at most eight digits and a unit.
const header = /^(\d{1,8})([HMSmun])$/;
const unitMs = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1_000],
  ["m", 1],
  ["u", 0.001],
  ["n", 0.000_001],
]);

// setTimeout takes no longer ones; 24 days are as good as no limit.
const timeoutMsMax = 2 ** 31 - 1;

/** What the header `grpc-timeout` says, in milliseconds; undefined if there is none, or none that can be read. */
export function timeoutFromHeader(value: string | readonly string[] | undefined): number | undefined {
  const [, digits, unit] = header.exec(String(value ?? "")) ?? [];
  const factor = unitMs.get(unit ?? "");
  return factor === undefined ? undefined : Math.min(Number(digits) * factor, timeoutMsMax);
}

/** The header's value for a timeout. */
export function timeoutToHeader(timeoutMs: number): string {
  const wholeMs = Math.max(1, Math.ceil(timeoutMs));
  return wholeMs < 100_000_000 ? `${wholeMs}m` : `${Math.ceil(wholeMs / 1000)}S`;
}
