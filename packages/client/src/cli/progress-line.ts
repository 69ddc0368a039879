import { formatBytes } from "@quorumfs/runtime/lean";
import type { MeterReading } from "./transfer-meter.js";

const barCharsMax = 30;

/** `██████░░░░░░  1.2 GiB of 4 GiB  310 MiB/s  9 s left  3 of 8 files`, no longer than the terminal is wide. */
export function progressLine(reading: MeterReading, columns: number): string {
  const { bytes, bytesTotal, isTotalOpen, bytesPerSecond, secondsLeft, files, filesTotal } = reading;
  const atLeast = isTotalOpen ? "at least " : "";
  const facts = [
    bytesTotal > bytes || !isTotalOpen
      ? `${formatBytes(bytes)} of ${atLeast}${formatBytes(bytesTotal)}`
      : formatBytes(bytes),
    `${formatBytes(Math.round(bytesPerSecond))}/s`,
    ...(secondsLeft === undefined ? [] : [`${durationText(secondsLeft)} left`]),
    ...(filesTotal > 1 ? [`${files} of ${atLeast}${filesTotal} files`] : []),
  ];
  const fraction = bytesTotal === 0 || isTotalOpen ? undefined : bytes / bytesTotal;
  return barLine({ fraction, facts, columns });
}

/** Facts behind a bar, for which there may be no room, or no end in sight. */
export function barLine(line: {
  /** From 0 to 1. */
  readonly fraction: number | undefined;
  readonly facts: readonly string[];
  readonly columns: number;
}): string {
  const { fraction, facts, columns } = line;
  const text = facts.join("  ");
  const room = Math.min(barCharsMax, columns - text.length - 3);
  if (fraction === undefined || room < 5) return text.slice(0, Math.max(0, columns - 1));
  const full = Math.floor(room * fraction);
  return `${"█".repeat(full)}${"░".repeat(room - full)}  ${text}`;
}

/** `9 s`, `3 min 20 s`, `2 h 5 min`, `13 days 4 h`. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole >= 48 * 3600) return `${Math.floor(whole / 86_400)} days ${Math.floor((whole % 86_400) / 3600)} h`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
