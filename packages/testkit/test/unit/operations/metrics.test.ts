import { describe, expect, test } from "@jest/globals";
import { alertName } from "../../../../../deploy/src/alert-rules.js";
import { alerts } from "../../../../../deploy/src/alerts.js";
import { dashboards } from "../../../../../deploy/src/dashboards/dashboards.js";
import { familyOf, groupingLabelsOf, selectorsOf } from "../../../../../deploy/src/expression.js";
import { registries } from "../../../../../deploy/src/registries.js";

const metrics = registries().flatMap(({ metrics }) => metrics);
const histograms = new Set(metrics.filter(({ type }) => type === "histogram").map(({ name }) => name));

/** Of all series: what Prometheus knows of their target, as the SuperNode tells it. */
const targetLabels = ["job", "instance", "process", "node", "zone"];
const labelsOf = (family: string): readonly string[] =>
  metrics.filter(({ name }) => name === family).flatMap(({ labels }) => labels);
const allLabels = new Set([...targetLabels, "le", ...metrics.flatMap(({ labels }) => labels)]);

const shown = dashboards.flatMap(({ title, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap((panel) =>
      panel.queries.map(({ expr, legend }) => ({ name: `${title}: ${panel.title}`, expr, legend })),
    ),
  ),
);
const asked = [
  ...shown,
  ...alerts.map((alert) => ({ name: alertName(alert), expr: alert.expr, legend: alert.summary })),
];

describe("metrics", () => {
  test("every metric is shown by a dashboard", () => {
    const used = new Set(
      shown.flatMap(({ expr }) => selectorsOf(expr).map(({ metric }) => familyOf(metric, histograms))),
    );
    const hidden = metrics.map(({ name }) => name).filter((name) => !used.has(name));
    expect(hidden).toEqual([]);
  });

  test.each(asked)("$name: asks for metrics and labels that there are", ({ expr, legend }) => {
    const known = new Set(["up", ...metrics.map(({ name }) => name)]);
    const selectors = selectorsOf(expr);
    expect(selectors).not.toEqual([]);
    for (const { metric, labels } of selectors) {
      const family = familyOf(metric, histograms);
      expect(known).toContain(family);
      // Of a histogram itself there is no series.
      expect(histograms).not.toContain(metric);
      expect([...targetLabels, "le", ...labelsOf(family)]).toEqual(expect.arrayContaining([...labels]));
    }
    const named = [...legend.matchAll(/\{\{\s*(?:\$labels\.)?([a-z]\w*)\s*\}\}/g)].map(([, label = ""]) => label);
    for (const label of [...groupingLabelsOf(expr), ...named]) expect(allLabels).toContain(label);
  });

  test("a name means one thing in all processes", () => {
    const byName = new Map(metrics.map((metric) => [metric.name, metric]));
    for (const metric of metrics) expect(metric).toEqual(byName.get(metric.name));
  });
});
