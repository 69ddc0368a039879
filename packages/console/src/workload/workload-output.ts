/** What the generator prints, looked at before it is believed: its lines of progress, and its results. */
import type { WorkloadGroup, WorkloadProgress, WorkloadRequest, WorkloadResult } from "../api.js";

export interface Progress {
  readonly phase: "preparing" | "running";
  readonly done: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly elapsedMs: number;
}

/** @returns undefined if the line says nothing of progress */
export function readProgress(line: string): Progress | undefined {
  const value = objectIn(line);
  if (!value || (value["phase"] !== "preparing" && value["phase"] !== "running")) return undefined;
  return {
    phase: value["phase"],
    done: numberIn(value["done"]),
    failed: numberIn(value["failed"]),
    perSecond: numberIn(value["perSecond"]),
    elapsedMs: numberIn(value["elapsedMs"]),
  };
}

const operationsDefault = 10_000;
const filesDefault = 1_000;

export function progressView(request: WorkloadRequest, progress: Progress): WorkloadProgress {
  const { phase, done, failed, perSecond, elapsedMs } = progress;
  const { operations, durationSeconds, files = filesDefault } = request;
  const untilOver = operations ?? (durationSeconds === undefined ? operationsDefault : undefined);
  const total = phase === "preparing" ? files : (untilOver ?? null);
  const parts = [
    ...(total === null ? [] : [done / total]),
    ...(phase === "running" && durationSeconds !== undefined ? [elapsedMs / (durationSeconds * 1000)] : []),
  ];
  const fraction = parts.length === 0 ? null : Math.min(1, Math.max(...parts));
  return { done, total, failed, perSecond: Math.round(perSecond), fraction };
}

/** @returns undefined if it is no result */
export function readResult(output: string): WorkloadResult | undefined {
  const report = objectIn(output);
  if (!report || !Array.isArray(report["groups"])) return undefined;
  const verification = asObject(report["verification"]);
  const errors = Object.entries(asObject(report["errors"]) ?? {});
  return {
    elapsedMs: numberIn(report["elapsedMs"]),
    complete: report["complete"] === true,
    bytesPerSecond: numberIn(report["bytesPerSecond"]),
    groups: report["groups"].map(groupIn),
    errors: Object.fromEntries(errors.map(([code, failures]) => [code, numberIn(asObject(failures)?.["count"])])),
    linearizable: verification ? verification["linearizable"] === true : null,
  };
}

function groupIn(value: unknown): WorkloadGroup {
  const group = asObject(value) ?? {};
  const latency = asObject(group["latency"]) ?? {};
  return {
    name: typeof group["name"] === "string" ? group["name"] : "",
    operationsPerSecond: numberIn(group["operationsPerSecond"]),
    count: numberIn(latency["count"]),
    failed: numberIn(group["failed"]),
    p50Ms: numberIn(latency["p50Ms"]),
    p95Ms: numberIn(latency["p95Ms"]),
    p99Ms: numberIn(latency["p99Ms"]),
    maxMs: numberIn(latency["maxMs"]),
  };
}

type Unknowns = Readonly<Record<string, unknown>>;

function objectIn(text: string): Unknowns | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Unknowns | undefined {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}

function numberIn(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
