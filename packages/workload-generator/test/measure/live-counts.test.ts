import { expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { Metrics } from "@quorumfs/telemetry";
import { addSnapshots, LiveCounts } from "../../src/measure/live-counts.js";
import { workloadMetrics } from "../../src/metrics.js";

const failure = new QuorumError({ code: "unavailable", message: "away" });

test("live counts: by kind, in flight, latency from the intended start; of several processes as one, in the metrics", async () => {
  const [one, other] = [new LiveCounts(), new LiveCounts()];
  for (const counts of [one, one, one, other, other]) counts.begun();
  one.ended({ kind: "get", startedAt: 10, endedAt: 11, ending: "ok", bytes: 100 });
  one.ended({ kind: "get", startedAt: 10, endedAt: 12, ending: "missed", bytes: 0 });
  other.ended({ kind: "put", startedAt: 10, endedAt: 11, intendedAt: 1, ending: "ok", bytes: 5 });
  other.ended({ kind: "get", startedAt: 10, endedAt: 11, ending: failure, bytes: 0 });

  const live = addSnapshots([one.snapshot, other.snapshot]);
  expect(live).toMatchObject({ bytes: 105, inFlight: 1 });
  expect(live.kinds).toMatchObject([
    { kind: "get", answered: 2, failed: 1 },
    { kind: "put", answered: 1, failed: 0, seconds: 0.01 },
  ]);

  const metrics = new Metrics();
  const config = { mode: "balanced", distribution: "uniform", concurrency: 64, ratePerSecond: undefined } as const;
  workloadMetrics(metrics, () => ({ config, live, progress: { phase: "running", done: 4, failed: 1 } }));
  const text = await metrics.text();
  for (const line of [
    'quorumfs_workload_operations_total{kind="get",outcome="failed"} 1',
    'quorumfs_workload_operation_seconds_bucket{le="0.0016",kind="get"} 1',
    'quorumfs_workload_operation_seconds_count{kind="get"} 2',
    "quorumfs_workload_content_bytes_total 105",
    "quorumfs_workload_in_flight 1",
    "quorumfs_workload_in_flight_limit 64",
    'quorumfs_workload_run_info{mode="balanced",distribution="uniform",phase="running"} 1',
    "quorumfs_workload_progress 4",
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  // Without a rate there is none to be told.
  expect(text).not.toMatch(/^quorumfs_workload_target_rate /m);
});

test("metrics: before there is a run they are declared, and have no values", async () => {
  const metrics = new Metrics();
  workloadMetrics(metrics, () => undefined);
  expect((await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
});
