/** Figures in little room. */
import { formatBytes } from "@quorumfs/runtime/lean";

/** `0`, `0.4`, `12`, `1234`, `1.2M`: rates of operations. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 9.95) return perSecond.toFixed(1);
  if (perSecond < 999_999.5) return perSecond.toFixed(0);
  return `${(perSecond / 1e6).toFixed(1)}M`;
}

/** `0.08`, `1.2`, `35`, `1204`, and `12s` from ten seconds on: latencies, in ms. */
export function msText(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms < 0.995) return ms.toFixed(2);
  if (ms < 9.95) return ms.toFixed(1);
  if (ms < 9999.5) return ms.toFixed(0);
  return `${(ms / 1000).toFixed(0)}s`;
}

/** `-`, `12 MiB/s`. */
export function bytesRateText(perSecond: number): string {
  return perSecond < 1 ? "-" : `${formatBytes(Math.round(perSecond))}/s`;
}

const blocks = "▁▂▃▄▅▆▇█";

/** `▁▁▂▅█▇▅`: the newest at the right, the highest at full height. */
export function sparkline(values: readonly number[], columns: number): string {
  const shown = columns > 0 ? values.slice(-columns) : [];
  const highest = Math.max(...shown, 0);
  return shown
    .map(
      (value) => blocks[highest === 0 ? 0 : Math.min(blocks.length - 1, Math.floor((value / highest) * blocks.length))],
    )
    .join("");
}
