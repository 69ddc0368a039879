import { afterEach, describe, expect, test } from "@jest/globals";
import { Metrics } from "@quorumfs/telemetry";
import { dataNodeMetrics, StoreMeter } from "../src/index.js";
import { metricsAddressFor, metricsSettings } from "../src/metrics-settings.js";
import { SmallCluster } from "./support/small-cluster.js";
import { settle } from "./support/step-clock.js";

let cluster: SmallCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

/** Values by `name{labels}`, without the name's prefix. */
async function valuesOf(metrics: Metrics | undefined): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics?.text())?.split("\n").filter((line) => line !== "" && !line.startsWith("#")) ?? [];
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice("quorumfs_datanode_".length, end), Number(line.slice(end + 1))];
    }),
  );
}

describe("metrics (N=3 R=2 W=2)", () => {
  test("operations: what was asked, how it ended, and what the votes took", async () => {
    cluster = await SmallCluster.start();
    const files = cluster.files(0);
    const before = await valuesOf(cluster.metrics[0]);
    expect(before.get('votes_asked_total{operation="write"}')).toBe(0);
    await files.put("a", "one");
    await files.put("a", "three");
    await files.get("a");
    await expect(files.get("b")).rejects.toMatchObject({ code: "not_found" });
    await expect(files.get("a", "nowhere")).rejects.toMatchObject({ code: "not_found" });

    const values = await valuesOf(cluster.metrics[0]);
    const expected: Readonly<Record<string, number>> = {
      'operations_total{kind="put",bucket="files",outcome="answered"}': 2,
      'operations_total{kind="get",bucket="files",outcome="answered"}': 2,
      'operations_total{kind="get",bucket="files",outcome="failed"}': 0,
      'operations_total{kind="get",bucket="_other",outcome="answered"}': 1,
      'operation_seconds_count{kind="put"}': 2,
      'content_bytes_total{bucket="files",direction="written"}': 8,
      'content_bytes_total{bucket="files",direction="read"}': 5,
      // The second write needs no new promise: one round trip where the first took two.
      'vote_rounds_bucket{le="1",operation="write"}': 1,
      'vote_rounds_bucket{le="2",operation="write"}': 2,
      'vote_rounds_count{operation="read"}': 2,
      'vote_proposals_total{operation="write"}': 2,
      'operations_contended_total{operation="write"}': 0,
      'admission_in_flight{kind="read"}': 0,
      'admission_refused_total{kind="read"}': 0,
      'peer_up{peer="2"}': 1,
      'peer_up{peer="3"}': 1,
      records: 1,
      full: 0,
      layout_number: 1,
      'node_info{node="1",incarnation="1"}': 1,
      'damage_found_total{what="record"}': 0,
      'scrub_state{state="idle"}': 1,
    };
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, values.get(key)]))).toEqual(expected);
    const asked = values.get('votes_asked_total{operation="write"}') ?? 0;
    // Three for each of three rounds.
    expect(asked).toBe(9);
    expect(values.get('lane_frame_messages_sum{lane="votes"}')).toBeGreaterThanOrEqual(asked - 3);
  });

  test("votes: those that were lost, and what was refused for too much load", async () => {
    cluster = await SmallCluster.start({ config: { limits: { operationsMax: 1, contentBytesMax: 1024 } } });
    const files = cluster.files(0);
    cluster.holdVotesFrom(0);
    const first = files.put("a", "one").catch(() => undefined);
    await expect(files.put("b", "two")).rejects.toMatchObject({ code: "resource_exhausted" });
    await settle();
    const values = await valuesOf(cluster.metrics[0]);
    expect(values.get('admission_in_flight{kind="write"}')).toBe(1);
    expect(values.get('admission_limit{kind="write"}')).toBe(1);
    expect(values.get('admission_refused_total{kind="write"}')).toBe(1);
    expect(values.get('operations_total{kind="put",bucket="files",outcome="refused"}')).toBe(1);
    expect(values.get('peer_in_flight{peer="2"}')).toBe(1);
    await cluster.clock.pass(1_500);
    const later = await valuesOf(cluster.metrics[0]);
    expect(later.get('votes_answered_total{operation="write",answer="lost"}')).toBeGreaterThanOrEqual(2);
    cluster.network.release();
    await cluster.clock.pass(10_000);
    await first;
  });

  test("votes: a replica that is late has another one asked, which is told as a hedge", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await settle();
    let silent: string | undefined;
    cluster.network.gate = ({ from, to, path }) => {
      if (from !== "1" || !path.endsWith("/Exchange")) return true;
      silent ??= to;
      return to !== silent;
    };
    const reading = cluster.files(0).get("a");
    await cluster.clock.pass(150);
    await reading;
    const values = await valuesOf(cluster.metrics[0]);
    expect(values.get('vote_hedges_total{operation="read"}')).toBe(1);
    // This node's own replica, the one that is late, the other one.
    expect(values.get('votes_asked_total{operation="read"}')).toBe(3);
    expect(values.get('vote_rounds_bucket{le="1",operation="read"}')).toBe(1);
    const inFlight = ["2", "3"].map((peer) => values.get(`peer_in_flight{peer="${peer}"}`));
    expect(inFlight.sort()).toEqual([0, 1]);
  });

  test("votes: nodes that write to one file at the same time are in each other's way", async () => {
    const started = (cluster = await SmallCluster.start());
    const nodes = [0, 1, 2];
    const writing = Promise.allSettled(nodes.map((index) => started.files(index).put("a", String(index))));
    let done = false;
    void writing.then(() => (done = true));
    while (!done) await cluster.clock.pass(10);
    const values = await Promise.all(cluster.metrics.map(valuesOf));
    const sum = (name: string) => values.reduce((total, of) => total + (of.get(name) ?? 0), 0);
    expect(sum('votes_answered_total{operation="write",answer="nack"}')).toBeGreaterThan(0);
    expect(sum('vote_backoffs_total{operation="write"}')).toBeGreaterThan(0);
    expect(sum('vote_rounds_count{operation="write"}')).toBe(nodes.length);
    expect(sum('vote_rounds_sum{operation="write"}')).toBeGreaterThan(2 * nodes.length);
  });

  test("scrapes before the start and after the end: declared, without values", async () => {
    const early = new Metrics();
    dataNodeMetrics(early, () => undefined);
    expect(await valuesOf(early)).toEqual(new Map());
    cluster = await SmallCluster.start();
    const closing = cluster.nodes[0]?.close();
    // While it closes, whatever is there still.
    await valuesOf(cluster.metrics[0]);
    await closing;
    expect(await valuesOf(cluster.metrics[0])).toEqual(new Map());
    expect(cluster.metrics[0]?.list()).toEqual(early.list());
  });
});

test("store meter: groups of commits by size and by how long the disk took", () => {
  const meter = new StoreMeter();
  meter.committed({ writes: 3, bytes: 500, elapsedMs: 0.15 });
  meter.committed({ writes: 1, bytes: 100, elapsedMs: 40 });
  expect([meter.seconds.count, meter.writes.sum, meter.bytes]).toEqual([2, 4, 600]);
  expect(meter.seconds.sum).toBeCloseTo(0.04015, 9);
});

describe("where metrics are served", () => {
  test.each([
    ["", 7001, { host: "h", port: 7101, anyPortDoes: true }],
    ["", 0, { host: "h", port: 0, anyPortDoes: true }],
    ["", 65_500, { host: "h", port: 0, anyPortDoes: true }],
    ["9000", 7001, { host: "h", port: 9000, anyPortDoes: false }],
    ["off", 7001, undefined],
  ])("port %j beside %d", (port, nodePort, settings) => {
    expect(metricsSettings({ host: "h", port, nodePort })).toEqual(settings);
  });

  test.each(["65536", "x", "-1", "80 "])("port %j is refused", (port) => {
    expect(() => metricsSettings({ host: "h", port, nodePort: 1 })).toThrow("--metrics-port");
  });

  test.each([
    ["127.0.0.1", "127.0.0.1:7001", "127.0.0.1:1"],
    ["0.0.0.0", "n1.example:7001", "n1.example:1"],
    ["::", "[fd00::1]:7001", "[fd00::1]:1"],
    ["10.0.0.1", "n1.example:7001", "10.0.0.1:1"],
    // Nobody else would find it there.
    ["127.0.0.1", "n1.example:7001", ""],
  ])("the cluster is told, of %s beside %s: %j", (host, nodeAddress, told) => {
    expect(metricsAddressFor({ host, port: 1, nodeAddress })).toBe(told);
  });
});
