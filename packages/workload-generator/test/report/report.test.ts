import { describe, expect, test } from "@jest/globals";
import { workloadConfig } from "../../src/config.js";
import { Measurements } from "../../src/measure/measurements.js";
import { reportAsCsv } from "../../src/report/csv.js";
import { formatCount, formatMs, formatSeconds } from "../../src/report/figures.js";
import { reportAsHtml } from "../../src/report/html.js";
import { reportAsJson } from "../../src/report/json.js";
import { plotsOf } from "../../src/report/plots.js";
import { groupLatencies, makeReport, type Report } from "../../src/report/report.js";
import { reportAsTable } from "../../src/report/table.js";

const config = workloadConfig(
  {
    mode: "balanced",
    concurrency: 64,
    files: 1000,
    size: "1KiB",
    distribution: "uniform",
    bucket: "files",
    processes: 1,
    endpoint: ["127.0.0.1:7000"],
    timeout: "30s",
    verify: true,
    keep: false,
    output: "table",
    progress: "auto",
    "metrics-port": "off",
    "metrics-host": "127.0.0.1",
    rate: 1000,
  },
  9,
);

function measured(): Measurements {
  const measurements = new Measurements(0);
  for (let at = 1; at <= 2000; at += 1) {
    const kind = at % 2 === 0 ? "get" : "put";
    measurements.record({
      kind,
      startedAt: at - 1 - at / 1000,
      intendedAt: at - 4,
      endedAt: at,
      ending: "ok",
      bytes: 1024,
    });
  }
  const message = "got 1 of 2 </script>";
  const ending = { code: "quorum_unavailable", message } as const;
  measurements.record({ kind: "put", startedAt: 2000, endedAt: 2010, ending, bytes: 0 });
  return measurements;
}

const measurements = measured();
const times = { file: "files/a", client: "process 1", startedAt: 0, endedAt: 1 };
const report: Report = makeReport({
  version: "0.1.0",
  startedAt: "2026-01-01T00:00:00Z",
  runId: "0badcafe",
  config,
  complete: true,
  measurements,
  verification: {
    verdict: { ok: false, file: "files/a", minimal: [{ ...times, kind: "read", outcome: { kind: "absent" } }] },
    operations: 2001,
    files: 1000,
    unknown: 1,
    tookMs: 12,
  },
});

describe("report", () => {
  test("groups add up", () => {
    const [reads, writes, all] = report.groups;
    expect(reads?.latency.count).toBe(1000);
    expect(writes).toMatchObject({ failed: 1, latency: { count: 1000 } });
    expect(all?.latency.count).toBe(2000);
    expect(all?.operationsPerSecond).toBeCloseTo(2000 / 2.01, 5);
    expect(all?.corrected?.p50Ms).toBeCloseTo(4, 1);
  });

  test("table: what people look for", () => {
    const text = reportAsTable(report);
    expect(text).toContain("2,000 operations in 2.0 s: 995 operations/s");
    expect(text).toContain("quorum_unavailable 1: got 1 of 2");
    expect(text).toContain("* from when each should have started, at 1,000 operations/s");
    expect(text).toContain(
      "linearizable: NO (2,001 operations on 1,000 files, 1 with unknown outcome, checked in 12 ms)",
    );
    expect(text).toContain("Operations on files/a that contradict each other");
  });

  test("json: complete and parseable", () => {
    const parsed: unknown = JSON.parse(reportAsJson(report));
    expect(parsed).toMatchObject({
      config: { seed: 9 },
      errors: { quorum_unavailable: { count: 1 } },
      verification: { linearizable: false, file: "files/a" },
    });
  });

  test("csv: as many cells in every line", () => {
    const lines = reportAsCsv(report).trimEnd().split("\n");
    const cells = lines.map((line) => line.split(",").length);
    expect(new Set(cells).size).toBe(1);
    expect(lines.map((line) => line.split(",")[0])).toEqual(["group", "reads", "writes", "all", "get", "put"]);
  });

  test("page: needs nothing from anywhere, and no message can break out of it", () => {
    const plots = plotsOf(measurements.series.points(measurements.endedMs), groupLatencies(measurements));
    expect(plots.map(({ title }) => title)).toEqual([
      "Throughput",
      "Latency of reads",
      "Latency of writes",
      "Latency by percentile",
    ]);
    for (const { columns, lines } of plots) {
      expect(columns).toHaveLength(lines.length + 1);
      expect(new Set(columns.map(({ length }) => length)).size).toBe(1);
    }
    const page = reportAsHtml(report, plots, { script: "var uPlot;", style: ".u{}" });
    expect(page).not.toMatch(/(src|href)=/);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
  });
});

test("figures", () => {
  expect([0, 1, 1.26, 12_345.6].map(formatCount)).toEqual(["0", "1", "1.3", "12,346"]);
  expect([0.0123, 1.5, 45.67, 1234.5].map(formatMs)).toEqual(["0.012", "1.50", "45.7", "1,235"]);
  expect([850, 12_345].map(formatSeconds)).toEqual(["850 ms", "12.3 s"]);
});
