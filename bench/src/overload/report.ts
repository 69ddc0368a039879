import type { Machine } from "../machine.js";
import type { LoadDone } from "./tasks.js";

export interface Spread {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Step {
  readonly name: string;
  /** Operations a second that were meant to begin, and that did; undefined: as many as ended. */
  readonly offeredPerSecond: number | undefined;
  readonly begunPerSecond: number;
  /** What ended well. */
  readonly goodputPerSecond: number;
  readonly served: Spread;
  /** How quickly DataNodes refused attempts. */
  readonly refusals: Spread;
  /** The pauses that they asked for. */
  readonly hints: Spread;
  /** Operations that the SDK gave up with `resource_exhausted`, and how soon. */
  readonly givenUp: Spread;
  readonly failed: Readonly<Record<string, number>>;
  /** CPU time of all servers, in µs, for each operation that ended well: whatever else they had to do is in it. */
  readonly serversUsPerServed: number | undefined;
  /** The most that any DataNode had resident, beyond what it had idle. */
  readonly memoryBytes: number | undefined;
  /** Looks at the cluster during the step, and in how many of them the SuperNode missed a DataNode's heartbeats. */
  readonly looks: number;
  readonly missed: number;
}

export interface OverloadResults {
  readonly benchmark: "overload";
  readonly startedAt: string;
  readonly machine: Machine;
  readonly cluster: string;
  readonly processes: number;
  readonly timeoutMs: number;
  readonly mixes: readonly { readonly mix: string; readonly steps: readonly Step[] }[];
}

export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (fraction: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 };
}

/** What several processes have measured at the same time. */
export function merged(parts: readonly LoadDone[]): LoadDone {
  const failed: Record<string, number> = {};
  for (const part of parts) {
    for (const [code, count] of Object.entries(part.failed)) failed[code] = (failed[code] ?? 0) + count;
  }
  return {
    begun: parts.reduce((sum, { begun }) => sum + begun, 0),
    servedMs: parts.flatMap(({ servedMs }) => servedMs),
    givenUpMs: parts.flatMap(({ givenUpMs }) => givenUpMs),
    failed,
    refusalsMs: parts.flatMap(({ refusalsMs }) => refusalsMs),
    hintsMs: parts.flatMap(({ hintsMs }) => hintsMs),
  };
}

const widths = [20, 9, 9, 9, 9, 9, 10, 9, 9, 9, 10, 9, 8, 10, 8, 9];
const head = [
  "",
  "offered/s",
  "begun/s",
  "goodput/s",
  "p50 ms",
  "p99 ms",
  "refusals/s",
  "p50 ms",
  "p99 ms",
  "hint ms",
  "given up/s",
  "p99 ms",
  "failed",
  "servers µs",
  "MiB",
  "missed",
];

export function headText(): string {
  return row(head);
}

export function stepText(step: Step, measureMs: number): string {
  const { offeredPerSecond, begunPerSecond, goodputPerSecond, served, refusals, hints, givenUp, failed } = step;
  const perSecond = (count: number): string => Math.round((count * 1000) / measureMs).toLocaleString("en");
  return row([
    step.name,
    offeredPerSecond === undefined ? "-" : Math.round(offeredPerSecond).toLocaleString("en"),
    Math.round(begunPerSecond).toLocaleString("en"),
    Math.round(goodputPerSecond).toLocaleString("en"),
    served.p50Ms.toFixed(1),
    served.p99Ms.toFixed(1),
    perSecond(refusals.count),
    refusals.p50Ms.toFixed(1),
    refusals.p99Ms.toFixed(1),
    hints.p50Ms.toFixed(0),
    perSecond(givenUp.count),
    givenUp.p99Ms.toFixed(1),
    String(Object.values(failed).reduce((sum, count) => sum + count, 0)),
    step.serversUsPerServed === undefined ? "-" : step.serversUsPerServed.toFixed(0),
    step.memoryBytes === undefined ? "-" : (step.memoryBytes / 2 ** 20).toFixed(0),
    `${step.missed}/${step.looks}`,
  ]);
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join("  ");
}

const goodputAim = 0.8;
const refusalAimMs = 100;

/** What was aimed at, what came out. */
export function aimLines({ mixes }: OverloadResults): readonly string[] {
  return mixes.flatMap(({ mix, steps }) => {
    const peak = Math.max(...steps.map(({ goodputPerSecond }) => goodputPerSecond));
    const worst = steps.at(-1);
    if (!worst) return [];
    const share = worst.goodputPerSecond / peak;
    const cpu = (worst.serversUsPerServed ?? NaN) / (steps[0]?.serversUsPerServed ?? NaN);
    const refused = ({ p99Ms }: Spread, what: string): string =>
      `${p99Ms <= refusalAimMs ? "met   " : "missed"}  ${mix}, ${worst.name}: 99 % of ${what} refused within ${p99Ms.toFixed(1)} ms (at most ${refusalAimMs})`;
    return [
      `${share >= goodputAim ? "met   " : "missed"}  ${mix}, ${worst.name}: goodput ${(share * 100).toFixed(0)} % of peak (at least ${goodputAim * 100} %)`,
      `        ${mix}, ${worst.name}: ${cpu.toFixed(2)} times the servers' CPU time for each operation that ends well`,
      refused(worst.givenUp, "operations"),
      refused(worst.refusals, "attempts at DataNodes"),
    ];
  });
}
