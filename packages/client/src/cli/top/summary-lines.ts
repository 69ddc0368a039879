/** What stands above the tables: the cluster in three or four lines. */
import { operationKinds } from "../../activity-info.js";
import { cut, fitted } from "../columns.js";
import type { Paint } from "../paint.js";
import { durationText } from "../progress-line.js";
import { printable, timeText } from "../wording.js";
import { bytesRateText, msText, rateText, sparkline } from "./figures-text.js";
import type { TopData } from "./top-state.js";

// Samples come each second; two that are late may be chance.
const silentAfterMs = 3500;
const gap = "  ";
const shortIdChars = 8;

export interface SummaryOptions {
  readonly width: number;
  readonly paint: Paint;
  /** By the clock of {@link TopData.heardAtMs}. */
  readonly nowMs: number;
  readonly isHeld: boolean;
}

export function summaryLines(data: TopData, options: SummaryOptions): readonly string[] {
  return [
    titleLine(data, options),
    activityLine(data, options),
    kindsLine(data, options),
    ...healthLines(data, options),
  ];
}

/** `cluster 41fd0b40  ready  N = 3  layout 1            2026-11-20 16:43:36Z` */
function titleLine({ status, sample }: TopData, { width, paint, isHeld }: SummaryOptions): string {
  const time = `${isHeld ? "held at " : ""}${sample ? timeText(sample.at) : ""}`;
  const facts = status
    ? [
        `cluster ${printable(status.clusterId.slice(0, shortIdChars))}`,
        printable(status.condition),
        `N = ${status.replicas}`,
        `layout ${status.layout ?? "none yet"}`,
      ]
    : ["waiting for the SuperNode"];
  const room = Math.max(0, width - time.length - gap.length);
  return `${paint("bold", fitted(facts.join(gap), room))}${gap}${paint(isHeld ? "inverse" : "bold", time)}`;
}

/** `1234 ops/s  p50 1.2 ms  p99 8.4 ms  errors 0/s  refused 0/s  ▁▂▅█` */
function activityLine({ sample, history }: TopData, { width, paint }: SummaryOptions): string {
  if (!sample) return "";
  const { operationsPerSecond, errorsPerSecond, refusalsPerSecond, latency } = sample.total;
  const parts = [
    { text: `${rateText(operationsPerSecond)} ops/s`, style: "bold" },
    { text: `p50 ${msText(latency?.p50Ms)} ms`, style: undefined },
    { text: `p99 ${msText(latency?.p99Ms)} ms`, style: undefined },
    { text: `errors ${rateText(errorsPerSecond)}/s`, style: errorsPerSecond > 0 ? "red" : undefined },
    { text: `refused ${rateText(refusalsPerSecond)}/s`, style: refusalsPerSecond > 0 ? "yellow" : undefined },
  ] as const;
  const plain = parts.map(({ text }) => text).join(gap);
  if (plain.length > width) return cut(plain, width);
  const spark = sparkline(history, Math.min(history.length, width - plain.length - gap.length));
  return `${parts.map(({ text, style }) => paint(style, text)).join(gap)}${gap}${paint("dim", spark)}`.trimEnd();
}

/** `get 800/s  put 400/s  read 12 MiB/s  written 4 MiB/s` */
function kindsLine({ sample }: TopData, { width }: SummaryOptions): string {
  if (!sample) return "";
  const { kinds, bytesReadPerSecond, bytesWrittenPerSecond } = sample.total;
  const parts = [
    ...operationKinds
      .filter((kind) => kinds[kind].operationsPerSecond > 0)
      .map((kind) => `${kind} ${rateText(kinds[kind].operationsPerSecond)}/s`),
    `read ${bytesRateText(bytesReadPerSecond)}`,
    `written ${bytesRateText(bytesWrittenPerSecond)}`,
  ];
  return cut(parts.join(gap), width);
}

/** What somebody should know of: silence, the layout's change, nodes that are away. */
function healthLines(
  { sample, status, heardAtMs }: TopData,
  { width, paint, nowMs, isHeld }: SummaryOptions,
): readonly string[] {
  const silentMs = nowMs - heardAtMs;
  const silence =
    sample && !isHeld && silentMs > silentAfterMs
      ? [paint("red", cut(`no word from the SuperNode for ${durationText(silentMs / 1000)}: all this is old`, width))]
      : [];
  const change = status?.change;
  const moving = change
    ? [
        paint(
          change.obstacles.length > 0 ? "yellow" : undefined,
          cut(
            `layout ${change.state} (${printable(change.reason)}): ${change.movesDone} of ${change.movesTotal} partitions` +
              (change.remainingMs === undefined ? "" : `, ${durationText(change.remainingMs / 1000)} left`) +
              change.obstacles.map((obstacle) => `; ${printable(obstacle)}`).join(""),
            width,
          ),
        ),
      ]
    : [];
  return [...silence, ...moving];
}
