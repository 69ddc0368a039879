import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect } from "@quorumfs/client";
import { systemRandom } from "@quorumfs/runtime";
import { alertName } from "../../../../deploy/src/alert-rules.js";
import { alerts } from "../../../../deploy/src/alerts.js";
import { dashboards } from "../../../../deploy/src/dashboards/dashboards.js";
import { readText } from "../../../../deploy/src/services.js";
import { freePorts } from "../../src/adapters/free-ports.js";
import { temporaryDirectory, type TemporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { type ProcessCluster, startProcessCluster } from "../../src/processes/process-cluster.js";
import { binary, buildOnce, buildTimeoutMs, clone } from "../processes/built.js";
import { Program } from "../processes/program.js";
import { Prometheus } from "./prometheus.js";
import { prometheusPrograms, type PrometheusPrograms, programsTimeoutMs } from "./prometheus-programs.js";

const host = "127.0.0.1";
const nodes = 3;

let programs: PrometheusPrograms;

beforeAll(() => {
  programs = prometheusPrograms();
  buildOnce();
}, programsTimeoutMs + buildTimeoutMs);

describe("promtool", () => {
  const promtool = (...args: string[]) => execFileSync(programs.promtool, args, { cwd: clone, encoding: "utf8" });

  test.each(["deploy/prometheus/prometheus.yml", "deploy/docker/prometheus.yml"])("%s is a configuration", (path) => {
    expect(promtool("check", "config", "--syntax-only", path)).toContain("SUCCESS");
  });

  test("the alert rules are rules", () => {
    expect(promtool("check", "rules", "deploy/prometheus/alerts.yml")).toContain(`${alerts.length} rules found`);
  });

  test("the alert rules do what their tests say", () => {
    const tests = ["deploy/prometheus/alerts.test.yml", "deploy/prometheus/alerts-of-weeks.test.yml"];
    expect(promtool("test", "rules", ...tests)).toContain("SUCCESS");
  });
});

describe("a real Prometheus at a real cluster", () => {
  let directory: TemporaryDirectory;
  let cluster: ProcessCluster;
  let workload: Program;
  let prometheus: Prometheus;

  beforeAll(async () => {
    directory = await temporaryDirectory("quorumfs-observe-");
    const random = systemRandom();
    const port = await freePorts({ host, count: nodes + 1, random });
    const workloadPort = await freePorts({ host, count: 1, random });
    const zones = ["rack-1", "rack-2", "rack-3"];
    cluster = await startProcessCluster({
      nodes,
      replicas: nodes,
      host,
      port,
      dataDir: directory.path,
      zones,
      consolePort: 0,
      metrics: true,
    });
    const endpoint = cluster.endpoints.join(",");
    workload = new Program(binary("workload"), [
      ...["--endpoint", endpoint, "--duration", "1h", "--rate", "100", "--files", "50"],
      ...["--metrics-port", String(workloadPort)],
    ]);
    await storeLarge(endpoint);
    const configuration = readText("deploy/prometheus/prometheus.yml")
      .replaceAll("127.0.0.1:7080", new URL(cluster.consoleUrl ?? "").host)
      .replaceAll("127.0.0.1:7190", `${host}:${workloadPort}`)
      .replaceAll("alerts.yml", `${clone}deploy/prometheus/alerts.yml`)
      .replaceAll(/(interval: )\d+s/g, "$11s");
    prometheus = await Prometheus.start(programs.prometheus, configuration);
    await prometheus.until("every process was scraped three times", async () => {
      const seen = await prometheus.query("count_over_time(up[30s])");
      return seen.length === nodes + 2 && seen.every(({ value }) => value >= 3);
    });
  }, 60_000);

  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await workload?.[Symbol.asyncDispose]();
    await cluster?.close();
    await directory?.remove();
  });

  test("it finds every process, and all answer", async () => {
    const up = await prometheus.query("up");
    expect(up.map(({ value }) => value)).toEqual(up.map(() => 1));
    const found = up
      .map(({ labels: { process, node, zone } }) => [process, node, zone].filter(Boolean).join(" "))
      .sort();
    expect(found).toEqual(["datanode 1 rack-1", "datanode 2 rack-2", "datanode 3 rack-3", "supernode", "workload"]);
  });

  test.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))(
    "dashboard %s: every panel has data",
    async (_title, { rows }) => {
      const queries = rows
        .flatMap(({ panels }) => panels)
        .flatMap(({ title, queries, quiet = false }) =>
          queries.map(({ expr }) => ({ title, expr: chosen(expr), quiet })),
        );
      const empty: string[] = [];
      for (const { title, expr, quiet } of queries) {
        const samples = await prometheus.query(expr);
        if (samples.length === 0 && !quiet) empty.push(`${title}: ${expr}`);
      }
      expect(empty).toEqual([]);
    },
  );

  test("every alert can be asked for; none of those that no load explains is there", async () => {
    const byLoad = new Set(["LatencyHigh", "EventLoopLate", "FsyncSlow", "ErrorsMany", "OperationsRefused"]);
    for (const alert of alerts) {
      const samples = await prometheus.query(alert.expr);
      if (!byLoad.has(alert.name))
        expect({ alert: alertName(alert), samples }).toEqual({ alert: alertName(alert), samples: [] });
    }
  });

  test("a node that is killed is an alert", async () => {
    const down = alerts.find(({ name }) => name === "NodeDown")?.expr ?? "";
    await cluster.dataNodes[1]?.kill();
    await prometheus.until("the alert was there", async () => {
      const samples = await prometheus.query(down);
      return samples.length === 1 && samples[0]?.labels["node"] === "2";
    });
  });
});

/** What is read and written in chunks, for the panels that show them. */
async function storeLarge(endpoint: string): Promise<void> {
  await using client = await connect({ endpoints: [endpoint] });
  await client.put("files/large", randomBytes(1_000_000));
  await client.get("files/large");
}

/** As Grafana asks when all is chosen, for samples that are a second apart. */
function chosen(expression: string): string {
  return expression.replaceAll("$__rate_interval", "30s").replaceAll(/\$(node|bucket)\b/g, ".*");
}
