import { QuorumError } from "@quorumfs/core";

const units: readonly (readonly [unit: string, bytes: number])[] = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
];
const decimal: Readonly<Record<string, number>> = { tb: 1e12, gb: 1e9, mb: 1e6, kb: 1e3, b: 1 };
const binary: Readonly<Record<string, number>> = { tib: 2 ** 40, gib: 2 ** 30, mib: 2 ** 20, kib: 2 ** 10 };
const factors = new Map(Object.entries({ ...decimal, ...binary }));

/**
 * Reads `4096`, `4KiB`, `1.5 MB`: powers of 1024 with an `i`, of 1000 without; upper and lower case alike.
 *
 * @throws QuorumError `invalid_argument`
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = factors.get((match?.[2] || "b").toLowerCase());
  const bytes = Math.round(Number(match?.[1]) * (factor ?? NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new QuorumError({
    code: "invalid_argument",
    message: `${JSON.stringify(text)} is not a size; write it as 4096, 4KiB, 1.5MiB or 2GB`,
  });
}

/** For people: `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const unit = units.find(([, size]) => bytes >= size);
  if (!unit) return `${bytes} B`;
  const [name, size] = unit;
  const amount = bytes / size;
  return `${amount >= 100 || Number.isInteger(amount) ? Math.round(amount) : amount.toFixed(1)} ${name}`;
}
