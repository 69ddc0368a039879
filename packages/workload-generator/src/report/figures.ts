const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `12,345`; figures below 10 keep a digit if they are no whole numbers. */
export function formatCount(count: number): string {
  return count < 10 && !Number.isInteger(count) ? count.toFixed(1) : grouped.format(count);
}

/** Milliseconds with three digits that count: `0.412`, `3.21`, `1,204`. */
export function formatMs(ms: number): string {
  if (ms < 1) return ms.toFixed(3);
  if (ms < 10) return ms.toFixed(2);
  return ms < 100 ? ms.toFixed(1) : grouped.format(ms);
}

/** `850 ms`, `12.4 s`. */
export function formatSeconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
