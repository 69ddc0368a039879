import { describe, expect, test } from "@jest/globals";
import type { Log } from "@quorumfs/core";
import { exponentialBounds, Metrics, metricsText, otherLabel, seriesMax } from "@quorumfs/telemetry";

/** Lines that are no comments. */
async function lines(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("metrics", () => {
  test("counter: series by labels, in the text as counted", async () => {
    const metrics = new Metrics();
    const family = metrics.counter({ name: "quorumfs_test_things_total", help: "Things.", labels: ["kind", "bucket"] });
    const puts = family.of({ kind: "put", bucket: "files" });
    puts.add();
    puts.add(2);
    family.of({ bucket: "files", kind: "put" }).add();
    family.of({ kind: "get", bucket: "files" }).add();
    expect(await lines(metrics)).toEqual([
      'quorumfs_test_things_total{kind="put",bucket="files"} 4',
      'quorumfs_test_things_total{kind="get",bucket="files"} 1',
    ]);
  });

  test("counter: without labels it is 0 before anything happened, with labels it is absent", async () => {
    const metrics = new Metrics();
    metrics.counter({ name: "quorumfs_test_plain_total", help: "Plain." });
    metrics.counter({ name: "quorumfs_test_labelled_total", help: "Labelled.", labels: ["kind"] });
    expect(await lines(metrics)).toEqual(["quorumfs_test_plain_total 0"]);
  });

  test("histogram: a bound belongs to its bucket, and buckets add up", async () => {
    const metrics = new Metrics();
    const family = metrics.histogram({ name: "quorumfs_test_wait_seconds", help: "Waits.", bounds: [0.1, 1] });
    for (const value of [0.05, 0.1, 0.5, 7, NaN]) family.of().observe(value);
    expect(await lines(metrics)).toEqual([
      'quorumfs_test_wait_seconds_bucket{le="0.1"} 2',
      'quorumfs_test_wait_seconds_bucket{le="1"} 3',
      'quorumfs_test_wait_seconds_bucket{le="+Inf"} 4',
      "quorumfs_test_wait_seconds_sum 7.65",
      "quorumfs_test_wait_seconds_count 4",
    ]);
  });

  test("histogram read elsewhere: counts of each bucket, not added up", async () => {
    const metrics = new Metrics();
    metrics.histogram({
      name: "quorumfs_test_read_seconds",
      help: "Read.",
      labels: ["kind"],
      bounds: [1, 2],
      read: () => [{ labels: { kind: "get" }, counts: [1, 2, 3], sum: 12 }],
    });
    expect(await lines(metrics)).toEqual([
      'quorumfs_test_read_seconds_bucket{le="1",kind="get"} 1',
      'quorumfs_test_read_seconds_bucket{le="2",kind="get"} 3',
      'quorumfs_test_read_seconds_bucket{le="+Inf",kind="get"} 6',
      'quorumfs_test_read_seconds_sum{kind="get"} 12',
      'quorumfs_test_read_seconds_count{kind="get"} 6',
    ]);
  });

  test("gauge: read at each scrape; one that is not known or cannot be read is left out, the rest is served", async () => {
    const warned: string[] = [];
    const log: Log = {
      debug: () => undefined,
      info: () => undefined,
      warn: (event) => void warned.push(event),
      error: () => undefined,
      child: () => log,
    };
    const metrics = new Metrics({ log });
    let now = 1;
    metrics.gauge({ name: "quorumfs_test_now", help: "Now.", read: () => now });
    metrics.gauge({ name: "quorumfs_test_unknown", help: "Not known.", read: () => undefined });
    metrics.gauge({
      name: "quorumfs_test_broken",
      help: "Closed.",
      read: () => {
        throw new Error("closed");
      },
    });
    metrics.gauge({
      name: "quorumfs_test_elsewhere_total",
      type: "counter",
      help: "Counted elsewhere.",
      labels: ["lane"],
      read: () => [{ labels: { lane: "2" }, value: 5 }],
    });
    expect(await lines(metrics)).toEqual(["quorumfs_test_now 1", 'quorumfs_test_elsewhere_total{lane="2"} 5']);
    now = 2;
    expect(await lines(metrics)).toContain("quorumfs_test_now 2");
    expect(warned).toEqual(["metrics.unreadable", "metrics.unreadable"]);
  });

  test("text: help and type of each metric, label values escaped", async () => {
    const metrics = new Metrics();
    metrics.counter({ name: "quorumfs_test_odd_total", help: "Odd.", labels: ["bucket"] }).of({ bucket: 'a"b\\c\nd' });
    const text = await metrics.text();
    expect(text).toBe(
      "# HELP quorumfs_test_odd_total Odd.\n# TYPE quorumfs_test_odd_total counter\n" +
        'quorumfs_test_odd_total{bucket="a\\"b\\\\c\\nd"} 0\n',
    );
  });

  test("list: what is declared", () => {
    const metrics = new Metrics();
    metrics.counter({ name: "quorumfs_test_a_total", help: "A.", labels: ["kind"] });
    metrics.histogram({ name: "quorumfs_test_b_seconds", help: "B.", bounds: [1] });
    metrics.gauge({ name: "quorumfs_test_c_bytes", help: "C.", read: () => 1 });
    expect(metrics.list()).toEqual([
      { name: "quorumfs_test_a_total", type: "counter", help: "A.", labels: ["kind"] },
      { name: "quorumfs_test_b_seconds", type: "histogram", help: "B.", labels: [] },
      { name: "quorumfs_test_c_bytes", type: "gauge", help: "C.", labels: [] },
    ]);
  });

  test("registries do not share anything, and go onto one page together", async () => {
    const [process, life] = [new Metrics(), new Metrics()];
    process.counter({ name: "quorumfs_test_one_total", help: "One." });
    life.counter({ name: "quorumfs_test_two_total", help: "Two." }).of().add();
    expect(await lines(process)).toEqual(["quorumfs_test_one_total 0"]);
    const text = await metricsText([process, life]);
    expect(text).toContain("quorumfs_test_one_total 0");
    expect(text).toContain("quorumfs_test_two_total 1");
  });

  test.each([
    ["a name twice", (metrics: Metrics) => [1, 2].map(() => metrics.counter({ name: "a_b_total", help: "A." }))],
    ["a counter without _total", (metrics: Metrics) => metrics.counter({ name: "a_b", help: "A." })],
    ["a gauge with _total", (metrics: Metrics) => metrics.gauge({ name: "a_b_total", help: "A.", read: () => 1 })],
    ["help that is no sentence", (metrics: Metrics) => metrics.counter({ name: "a_b_total", help: "A" })],
    ["bounds that do not ascend", (metrics: Metrics) => metrics.histogram({ name: "a_b", help: "A.", bounds: [1, 1] })],
    ["a counter that goes down", (metrics: Metrics) => metrics.counter({ name: "a_total", help: "A." }).of().add(-1)],
  ])("declarations: %s is an error of ours", (_what, declare) => {
    expect(() => declare(new Metrics())).toThrow();
  });

  test("bounds: more series than allowed are counted as one", async () => {
    const metrics = new Metrics();
    const family = metrics.counter({ name: "quorumfs_test_many_total", help: "Many.", labels: ["path"] });
    for (let path = 0; path < seriesMax + 10; path += 1) family.of({ path: `f${path}` }).add();
    const text = await lines(metrics);
    expect(text).toHaveLength(seriesMax + 1);
    expect(text).toContain(`quorumfs_test_many_total{path="${otherLabel}"} 10`);
  });

  test("bounds of a histogram by a factor, without noise in their digits", () => {
    expect(exponentialBounds({ from: 0.0001, factor: 10, count: 4 })).toEqual([0.0001, 0.001, 0.01, 0.1]);
  });
});
