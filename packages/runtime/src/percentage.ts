import { QuorumError } from "@quorumfs/core";

/**
 * Reads `5%` or `0.5%` as a share of 1. A bare number could be either and is refused.
 *
 * @throws QuorumError `invalid_argument`
 */
export function parsePercentage(text: string): number {
  const amount = /^(\d+(?:\.\d+)?) ?%$/.exec(text.trim())?.[1];
  if (amount !== undefined && Number(amount) <= 100) return Number(amount) / 100;
  throw new QuorumError({
    code: "invalid_argument",
    message: `${JSON.stringify(text)} is not a percentage; write it as 5%`,
  });
}
