import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { type Dashboard, mean, percentile } from "../../../../../deploy/src/dashboards/dashboard.js";
import { dashboards } from "../../../../../deploy/src/dashboards/dashboards.js";
import { familyOf, groupingLabelsOf, selectorsOf } from "../../../../../deploy/src/expression.js";
import { grafanaJson } from "../../../../../deploy/src/grafana.js";

const clone = new URL("../../../../../", import.meta.url);

interface GrafanaPanel {
  readonly id: number;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly datasource: { readonly uid: string } }[];
}

function panelsOf(dashboard: Dashboard): readonly GrafanaPanel[] {
  return (grafanaJson(dashboard) as { readonly panels: readonly GrafanaPanel[] }).panels;
}

describe("grafana", () => {
  test.each(dashboards.map((dashboard) => [dashboard.id, dashboard] as const))(
    "%s: panels lie beside each other, and each can be told from the others",
    (_id, dashboard) => {
      const panels = panelsOf(dashboard);
      const taken = new Set<string>();
      for (const { gridPos } of panels) {
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(taken).not.toContain(`${x} ${y}`);
            taken.add(`${x} ${y}`);
          }
        }
      }
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const { targets = [] } of panels)
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    },
  );

  test("panels ask the data source that is provisioned", () => {
    const provisioned = readFileSync(new URL("deploy/grafana/provisioning/datasources/prometheus.yaml", clone), "utf8");
    const uid = /^ +uid: (\w+)$/m.exec(provisioned)?.[1];
    const asked = dashboards
      .flatMap(panelsOf)
      .flatMap(({ targets = [] }) => targets.map(({ datasource }) => datasource.uid));
    expect(new Set(asked)).toEqual(new Set([uid]));
  });

  test("a description becomes panels in rows of 24 columns", () => {
    const panel = { kind: "lines", unit: "short", queries: [{ expr: "up", legend: "" }] } as const;
    const rows = [
      { title: "first", panels: Array.from({ length: 4 }, (_, index) => ({ ...panel, title: `panel ${index}` })) },
      { title: "second", panels: [{ ...panel, title: "last", width: 24 }] },
    ];
    const places = panelsOf({ id: "x", title: "x", variables: [], rows }).map(({ type, gridPos: { x, y, w } }) => [
      type,
      x,
      y,
      w,
    ]);
    expect(places).toEqual([
      ["row", 0, 0, 24],
      ["timeseries", 0, 1, 8],
      ["timeseries", 8, 1, 8],
      ["timeseries", 16, 1, 8],
      ["timeseries", 0, 9, 8],
      ["row", 0, 17, 24],
      ["timeseries", 0, 18, 24],
    ]);
  });
});

describe("expressions", () => {
  const histograms = new Set(["quorumfs_x_seconds"]);

  test("selectors, with their labels, whatever stands in quotes", () => {
    const expression =
      'sum by (le, node) (rate(quorumfs_x_seconds_bucket{node=~"up{a}", kind!="b"}[5m])) > up{job="quorumfs_y"}';
    expect(selectorsOf(expression)).toEqual([
      { metric: "quorumfs_x_seconds_bucket", labels: ["node", "kind"] },
      { metric: "up", labels: ["job"] },
    ]);
    expect(groupingLabelsOf(expression)).toEqual(["le", "node"]);
  });

  test("series of a histogram belong to it, and nothing else does", () => {
    expect(familyOf("quorumfs_x_seconds_sum", histograms)).toBe("quorumfs_x_seconds");
    expect(familyOf("quorumfs_y_count", histograms)).toBe("quorumfs_y_count");
  });

  test("percentiles and means", () => {
    expect(percentile(0.99, "h", { by: "node", where: '{a="b"}' })).toBe(
      'histogram_quantile(0.99, sum by (le, node) (rate(h_bucket{a="b"}[$__rate_interval])))',
    );
    expect(mean("h", { by: "node" })).toBe(
      "sum by (node) (rate(h_sum[$__rate_interval])) / sum by (node) (rate(h_count[$__rate_interval]))",
    );
  });
});
