import { QuorumError } from "@quorumfs/core";

const factors = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["min", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/**
 * Reads `500ms`, `30s`, `5m`, `1h30m`, in milliseconds. A bare number has no unit and is refused.
 *
 * @throws QuorumError `invalid_argument`
 */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|min|s|m|h|d)/g)];
  const covered = parts.reduce((length, [part]) => length + part.length, 0);
  if (parts.length > 0 && covered === text.trim().length) {
    return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (factors.get(unit ?? "") ?? NaN), 0);
  }
  throw new QuorumError({
    code: "invalid_argument",
    message: `${JSON.stringify(text)} is not a duration; write it as 500ms, 30s, 5m or 1h30m`,
  });
}
