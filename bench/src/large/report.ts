import type { Machine } from "../machine.js";
import type { ProcessMemory } from "../memory.js";
import type { DiskRate } from "./disk-rate.js";

export interface Line {
  readonly name: string;
  readonly direction: "up" | "down" | "first byte";
  readonly files: number;
  /** Of each file. */
  readonly fileBytes: number;
  readonly inFlight: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** CPU seconds for each GiB of content; undefined where nobody tells. */
  readonly clientCpuPerGiB: number | undefined;
  readonly serversCpuPerGiB: number | undefined;
  /** The most that each process had resident, less what it had when nobody had asked for anything. */
  readonly peakBeyondIdleBytes: Readonly<Record<string, number>>;
  /** Whether all copies fit into the memory of the machine, so that the disk had not to be read. */
  readonly cached: boolean;
}

export interface LargeResults {
  readonly benchmark: "large";
  readonly startedAt: string;
  readonly machine: Machine;
  readonly cluster: string;
  /** Before the uploads, between sizes, and after the last line. */
  readonly disk: readonly DiskRate[];
  readonly idle: readonly ProcessMemory[];
  readonly lines: readonly Line[];
}

export const replicas = 3;
const mega = 1e6;
const mebi = 2 ** 20;

const aims = {
  ofCeiling: 0.8,
  uploadCpuPerGiB: 6,
  downloadBytesPerSecond: 500 * mega,
  downloadCpuPerGiB: 3,
  firstByteMs: 5,
  beyondIdleBytes: 64 * mebi,
};

const widths = [34, 7, 9, 9, 9, 9, 9, 34];

export function head(): string {
  return columns(["", "MB/s", "p50 ms", "p95 ms", "client", "servers", "all", "peak beyond idle, MiB"]).concat(
    `\n${columns(["", "", "", "", "CPU s", "per GiB", "", "client / datanodes / supernode"])}`,
  );
}

export function lineText(line: Line): string {
  const isTransfer = line.direction !== "first byte";
  const peaks = Object.values(line.peakBeyondIdleBytes).map((bytes) => (bytes / mebi).toFixed(0));
  return columns([
    line.name,
    isTransfer ? (line.bytesPerSecond / mega).toFixed(0) : "",
    ms(line.p50Ms),
    ms(line.p95Ms),
    ...(isTransfer ? [line.clientCpuPerGiB, line.serversCpuPerGiB, allCpuPerGiB(line)] : ["", "", ""]).map((value) =>
      typeof value === "number" ? value.toFixed(2) : "",
    ),
    peaks.join(" / "),
  ]);
}

function columns(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join(" ");
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}

function allCpuPerGiB({ clientCpuPerGiB, serversCpuPerGiB }: Line): number | undefined {
  return clientCpuPerGiB === undefined || serversCpuPerGiB === undefined
    ? undefined
    : clientCpuPerGiB + serversCpuPerGiB;
}

/** What was aimed at, what came out. */
export function aimLines({ lines, disk }: LargeResults): readonly string[] {
  const ceiling = disk.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0) / disk.length / replicas;
  const each = disk.map(({ bytesPerSecond }) => (bytesPerSecond / mega).toFixed(0)).join(", ");
  return [
    `        disk: ${each} MB/s, written in sequence and synced; by ${replicas} copies: ${(ceiling / mega).toFixed(0)} MB/s`,
    ...lines.flatMap((line) => aimsOf(line, ceiling)),
  ];
}

function aimsOf(line: Line, ceiling: number): readonly string[] {
  const { direction, fileBytes, name } = line;
  const verdicts: string[] = [];
  if (direction === "first byte") {
    verdicts.push(
      verdict(line.p50Ms <= aims.firstByteMs, `${name}: ${ms(line.p50Ms)} ms (median)`, `${aims.firstByteMs} ms`),
    );
  } else if (fileBytes >= 64 * mebi) {
    verdicts.push(direction === "up" ? uploadVerdict(line, ceiling) : downloadVerdict(line));
  }
  const most = Math.max(...Object.values(line.peakBeyondIdleBytes));
  if (Number.isFinite(most)) {
    const aim = `${(aims.beyondIdleBytes / mebi).toFixed(0)} MiB`;
    verdicts.push(
      verdict(most <= aims.beyondIdleBytes, `${name}: ${(most / mebi).toFixed(0)} MiB beyond idle at most`, aim),
    );
  }
  return verdicts;
}

function uploadVerdict(line: Line, ceiling: number): string {
  const share = line.bytesPerSecond / ceiling;
  const cpu = allCpuPerGiB(line) ?? Number.NaN;
  return verdict(
    share >= aims.ofCeiling || cpu <= aims.uploadCpuPerGiB,
    `${line.name}: ${(share * 100).toFixed(0)} % of the disk's ceiling, ${cpu.toFixed(1)} CPU s/GiB in all`,
    `${aims.ofCeiling * 100} % where the disk is the limit, else ${aims.uploadCpuPerGiB} CPU s/GiB`,
  );
}

function downloadVerdict(line: Line): string {
  const cpu = allCpuPerGiB(line) ?? Number.NaN;
  const rate = line.bytesPerSecond;
  const got = `${line.name}: ${(rate / mega).toFixed(0)} MB/s, ${cpu.toFixed(1)} CPU s/GiB in all`;
  if (!line.cached) return `        ${got}; no aim, since it does not fit into the memory of the machine`;
  return verdict(
    rate >= aims.downloadBytesPerSecond && cpu <= aims.downloadCpuPerGiB,
    got,
    `${aims.downloadBytesPerSecond / mega} MB/s, ${aims.downloadCpuPerGiB} CPU s/GiB`,
  );
}

function verdict(met: boolean, got: string, aim: string): string {
  return `${met ? "met   " : "MISSED"}  ${got}; aim: ${aim}`;
}
