import { QuorumError } from "@quorumfs/core";
import { parseBytes } from "@quorumfs/runtime";
import type { Draw } from "./seeded-random.js";

/** Sizes of contents in bytes, both ends included. */
export interface SizeRange {
  readonly minBytes: number;
  readonly maxBytes: number;
}

/**
 * Reads `1KiB` or `4KiB..64KiB`.
 *
 * @throws QuorumError `invalid_argument`
 */
export function parseSizeRange(text: string): SizeRange {
  const [from = "", to = from, ...rest] = text.split("..");
  const range = { minBytes: parseBytes(from), maxBytes: parseBytes(to) };
  if (rest.length === 0 && range.minBytes <= range.maxBytes) return range;
  throw new QuorumError({
    code: "invalid_argument",
    message: `${JSON.stringify(text)} is not a size or a range of sizes; write it as 1KiB or 4KiB..64KiB`,
  });
}

/** Every size of the range is as likely. */
export function chooseSize({ minBytes, maxBytes }: SizeRange, draw: Draw): number {
  return minBytes === maxBytes ? minBytes : minBytes + Math.floor(draw() * (maxBytes - minBytes + 1));
}
