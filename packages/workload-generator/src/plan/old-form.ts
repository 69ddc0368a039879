import { modes } from "./mix.js";

/**
 * `quorumfs-workload 1 100` of earlier days: a number for the mode (0 read-heavy, 1 write-heavy, 2 balanced, 3
 * state-query), then how many operations. Options may follow.
 */
export function withoutOldForm(args: readonly string[]): string[] {
  const [first = "", second = "", ...rest] = args;
  const mode = /^[0-3]$/.test(first) ? modes[Number(first)] : undefined;
  if (mode === undefined) return [...args];
  const isCount = /^\d+$/.test(second);
  return ["--mode", mode, ...(isCount ? ["--ops", second, ...rest] : args.slice(1))];
}
