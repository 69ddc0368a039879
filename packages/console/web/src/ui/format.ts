/** Figures for people. Widths stay alike from update to update, so that nothing jumps. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const fullTime = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** Shown where there is no figure. */
export const noFigure = "–";

export function formatCount(value: number): string {
  return grouped.format(value);
}

/** Three digits that count: 0.05, 1.25, 12.5, 125, 1,250, 12.5 k. */
export function formatShort(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${digits(value / 1e9)} G`;
  if (size >= 1e6) return `${digits(value / 1e6)} M`;
  if (size >= 1e4) return `${digits(value / 1e3)} k`;
  if (size >= 1e3) return grouped.format(value);
  return digits(value);
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return trimZeroes(value.toFixed(1));
  return trimZeroes(value.toFixed(2));
}

function trimZeroes(text: string): string {
  return text.replace(/\.?0+$/, "");
}

export function formatRate(perSecond: number): string {
  return `${formatShort(perSecond)}/s`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${digits(value)} ${byteUnits[unit] ?? "B"}`;
}

export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return noFigure;
  if (ms < 1) return `${grouped.format(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  return formatDuration(ms);
}

/** How long: 850 ms, 4.2 s, 3 min 20 s, 2 h 5 min, 4 d 3 h. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${grouped.format(ms)} ms`;
  if (ms < 60_000) return `${digits(ms / 1000)} s`;
  const seconds = Math.floor(ms / 1000);
  const parts: readonly [number, string, number, string] =
    seconds < 3600
      ? [Math.floor(seconds / 60), "min", seconds % 60, "s"]
      : seconds < 86_400
        ? [Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min"]
        : [Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3600), "h"];
  return parts[2] === 0 ? `${parts[0]} ${parts[1]}` : `${parts[0]} ${parts[1]} ${parts[2]} ${parts[3]}`;
}

export function formatPercent(fraction: number): string {
  return `${(fraction * 100).toFixed(fraction < 0.0995 && fraction > 0 ? 1 : 0)} %`;
}

export function formatClock(ms: number): string {
  return clockTime.format(ms);
}

export function formatTime(ms: number): string {
  return fullTime.format(ms);
}

/** `1 node`, `3 nodes`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerate(items: readonly (string | number)[]): string {
  if (items.length <= 1) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${String(items.at(-1))}`;
}
