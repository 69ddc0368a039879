import type { LoadResult } from "./load.js";
import type { Machine } from "./machine.js";
import type { MillionResult, ProcessMemory } from "./memory.js";
import type { Scenario } from "./scenarios.js";

export interface ScenarioResult {
  readonly name: string;
  readonly unit: Scenario["unit"];
  readonly aim: Scenario["aim"];
  readonly loads: readonly LoadResult[];
}

/** What is written to bench/results. */
export interface Results {
  readonly benchmark: "small";
  readonly startedAt: string;
  readonly machine: Machine;
  /** N/R/W, durability, and where the load came from. */
  readonly cluster: string;
  readonly measureMs: number;
  readonly idle: readonly ProcessMemory[];
  readonly scenarios: readonly ScenarioResult[];
  readonly million?: MillionResult;
}

const idleAimBytes = 400 * 2 ** 20;
const millionAimBytes = 150 * 2 ** 20;

const widths = [20, 9, 11, 9, 9, 9, 11, 11, 7];

export function scenarioHead(): string {
  return line(["", "in flight", "per s", "p50 ms", "p95 ms", "p99 ms", "servers µs", "client µs", "failed"]);
}

export function loadLine(name: string, load: LoadResult): string {
  const { latency } = load;
  return line([
    name,
    String(load.inFlight),
    count(load.unitsPerSecond),
    ms(latency.p50Ms),
    ms(latency.p95Ms),
    ms(latency.p99Ms),
    load.serverMicroseconds?.toFixed(1) ?? "-",
    load.clientMicroseconds?.toFixed(1) ?? "-",
    count(load.failed),
  ]);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join("  ");
}

/** What was aimed at, what came out. */
export function aimLines(results: Results): readonly string[] {
  return [
    ...results.scenarios.flatMap(speedLines),
    ...idleLines(results.idle),
    ...(results.million ? millionLines(results.million) : []),
  ];
}

function speedLines({ name, aim, loads, unit }: ScenarioResult): readonly string[] {
  const load = loads.find(({ inFlight }) => inFlight === aim?.inFlight);
  if (!aim || !load) return [];
  const what = `${name}, ${aim.inFlight} in flight`;
  const speed = verdict({
    what,
    met: load.unitsPerSecond >= aim.perSecond,
    got: `${count(load.unitsPerSecond)} ${unit}/s`,
    aim: `at least ${count(aim.perSecond)}`,
  });
  const cost = load.serverMicroseconds;
  if (aim.serverMicroseconds === undefined || cost === undefined) return [speed];
  const met = cost <= aim.serverMicroseconds;
  return [
    speed,
    verdict({ what, met, got: `${cost.toFixed(0)} µs CPU of all servers`, aim: `at most ${aim.serverMicroseconds}` }),
  ];
}

function idleLines(idle: readonly ProcessMemory[]): readonly string[] {
  const total = idle.reduce((sum, { memory }) => sum + (memory?.totalBytes ?? NaN), 0);
  if (Number.isNaN(total)) return [];
  const each = idle.map(({ process, memory }) => `${process} ${mib(memory?.totalBytes ?? 0)}`).join(", ");
  return [
    verdict({
      what: "idle memory of four processes",
      met: total <= idleAimBytes,
      got: `${mib(total)} MiB (${each})`,
      aim: `at most ${mib(idleAimBytes)}`,
    }),
  ];
}

function millionLines({ before, after }: MillionResult): readonly string[] {
  return after.flatMap(({ process, memory }) => {
    const earlier = before.find((other) => other.process === process)?.memory;
    if (!memory || !earlier || !process.startsWith("datanode")) return [];
    const more = memory.ownBytes - earlier.ownBytes;
    return [
      verdict({
        what: `${process} with 1,000,000 files`,
        met: more <= millionAimBytes,
        got: `${mib(more)} MiB more of its own (mapped: ${mib(memory.fileBytes)})`,
        aim: `at most ${mib(millionAimBytes)}`,
      }),
    ];
  });
}

function verdict(options: { what: string; met: boolean; got: string; aim: string }): string {
  return `${options.met ? "met   " : "MISSED"}  ${options.what}: ${options.got}; aim: ${options.aim}`;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function count(value: number): string {
  return grouped.format(value);
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
