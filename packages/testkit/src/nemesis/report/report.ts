/** Everything that a run has to say; the table, the page and the file of RELIABILITY.md are made of this. */
import { type Violation, type ViolationKind } from "../audit/violations.js";
import type { Experience, Failures, Samples, Window } from "../load/samples.js";
import { faultNames, type FaultName, type NemesisConfig } from "../options.js";
import type { FaultRecord, Note } from "../timeline.js";

export interface FaultRow {
  readonly name: FaultName | "all";
  /** Times; and single faults, where one time means several, such as flipped bits. */
  readonly times: number;
  readonly injected: number;
  readonly violations: Readonly<Record<ViolationKind, number>>;
  /** What clients met while this fault was the only one and left every file its quorums; undefined: that never was so. */
  readonly alone: Experience | undefined;
  /** The same, whatever else was wrong at the time. */
  readonly together: Experience;
  /** From the end of its cause until every file was served, at most; while it was the only one. */
  readonly serveMs: number | undefined;
  /** Until every file was on all its replicas again. */
  readonly syncMs: number | undefined;
}

export interface Verification {
  readonly linearizable: boolean;
  readonly operations: number;
  readonly unknown: number;
  readonly files: number;
  readonly tookMs: number;
  /** Of what is not linearizable: the operations that contradict each other. */
  readonly timeline: string | undefined;
}

export interface NemesisReport {
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly command: string;
  readonly config: NemesisConfig;
  /** False if it was stopped by hand: then the final state was not looked at. */
  readonly complete: boolean;
  readonly elapsedMs: number;
  readonly skipped: readonly { readonly name: FaultName; readonly why: string }[];
  readonly rows: readonly FaultRow[];
  readonly records: readonly FaultRecord[];
  readonly notes: readonly Note[];
  readonly answered: number;
  readonly failures: Readonly<Record<string, Failures>>;
  readonly verification: Verification;
  readonly violations: readonly Violation[];
  /** What remains to be looked at after a violation. */
  readonly evidence: string | undefined;
}

/** What shows so soon after a fault is counted as its doing, too. */
const aftermathMs = 2_000;

export function rowsOf(options: {
  readonly records: readonly FaultRecord[];
  readonly violations: readonly Violation[];
  readonly samples: Samples;
  readonly whole: Window;
}): readonly FaultRow[] {
  const { records, violations, samples, whole } = options;
  const rows = faultNames.flatMap((name): readonly FaultRow[] => {
    const own = records.filter((record) => record.name === name && record.trouble === undefined);
    if (!records.some((record) => record.name === name)) return [];
    return [rowOf({ name, own, samples, violations: violations.filter(({ atMs }) => isDuring(own, atMs)) })];
  });
  const total = rowOf({ name: "all", own: records, samples, violations });
  return [...rows, { ...total, alone: undefined, together: samples.experience([whole]) }];
}

function rowOf(options: {
  name: FaultRow["name"];
  own: readonly FaultRecord[];
  samples: Samples;
  violations: readonly Violation[];
}): FaultRow {
  const { name, own, samples, violations } = options;
  const alone = own.filter((record) => record.alone && !record.beyond);
  const counts = (kind: ViolationKind): number => violations.filter((violation) => violation.kind === kind).length;
  return {
    name,
    times: own.length,
    injected: own.reduce((sum, { count }) => sum + count, 0),
    violations: {
      lost: counts("lost"),
      stale: counts("stale"),
      corrupt: counts("corrupt"),
      "double-winner": counts("double-winner"),
      resurrected: counts("resurrected"),
      "not-linearizable": counts("not-linearizable"),
      "not-recovered": counts("not-recovered"),
      leaked: counts("leaked"),
      crashed: counts("crashed"),
    },
    alone: alone.length === 0 ? undefined : samples.experience(alone.map(windowOf)),
    together: samples.experience(own.map(windowOf)),
    serveMs: longest(alone.map(({ healedAt, servedAt }) => between(healedAt, servedAt))),
    syncMs: longest(own.map(({ healedAt, syncedAt }) => between(healedAt, syncedAt))),
  };
}

function windowOf({ injectedAt, healedAt, servedAt }: FaultRecord): Window {
  return { fromMs: injectedAt, toMs: servedAt ?? healedAt ?? injectedAt };
}

function isDuring(records: readonly FaultRecord[], atMs: number | undefined): boolean {
  if (atMs === undefined) return false;
  return records.some((record) => {
    const end = record.syncedAt ?? windowOf(record).toMs;
    return atMs >= record.injectedAt && atMs <= end + aftermathMs;
  });
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from;
}

function longest(all: readonly (number | undefined)[]): number | undefined {
  const known = all.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
