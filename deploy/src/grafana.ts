/** Dashboards in the JSON of Grafana 10 and later. */
import type { Dashboard, Panel, Row, Variable } from "./dashboards/dashboard.js";

const columns = 24;
const widthDefault = 8;
const heightOf = { lines: 8, stacked: 8, number: 4, table: 8, heatmap: 8 } as const;

const datasource = { type: "prometheus", uid: "prometheus" };

export function grafanaJson({ id, title, variables, rows }: Dashboard): unknown {
  return {
    uid: `quorumfs-${id}`,
    title: `QuorumFS: ${title}`,
    tags: ["quorumfs"],
    editable: true,
    graphTooltip: 1,
    refresh: "5s",
    schemaVersion: 39,
    time: { from: "now-15m", to: "now" },
    timezone: "browser",
    links: [
      {
        type: "dashboards",
        title: "QuorumFS",
        tags: ["quorumfs"],
        asDropdown: false,
        keepTime: true,
        includeVars: false,
      },
    ],
    templating: { list: variables.map(variableJson) },
    annotations: { list: [alertsAsMarks] },
    panels: placed(rows),
  };
}

/** Alerts are marked in every chart, so that one sees what was wrong when a line bends. */
const alertsAsMarks = {
  name: "Alerts",
  datasource,
  enable: true,
  hide: false,
  iconColor: "red",
  expr: 'ALERTS{alertname=~"QuorumFS.*", alertstate="firing"}',
  titleFormat: "{{alertname}}",
  textFormat: "{{node}}",
  step: "10s",
};

function variableJson({ name, series }: Variable): unknown {
  return {
    name,
    label: name,
    type: "query",
    datasource,
    query: { query: `label_values(${series}, ${name})`, refId: name },
    definition: `label_values(${series}, ${name})`,
    refresh: 2,
    sort: 3,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: ["All"], value: ["$__all"] },
  };
}

/** From left to right, and in the next line where there is no more room. */
function placed(rows: readonly Row[]): readonly unknown[] {
  const all: unknown[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    all.push({
      id: all.length + 1,
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const panel of panels) {
      const w = panel.width ?? widthDefault;
      const h = heightOf[panel.kind];
      if (x + w > columns) {
        x = 0;
        y += lineHeight;
        lineHeight = 0;
      }
      all.push(panelJson(panel, all.length + 1, { x, y, w, h }));
      x += w;
      lineHeight = Math.max(lineHeight, h);
    }
    y += lineHeight;
  }
  return all;
}

function panelJson(panel: Panel, id: number, gridPos: { x: number; y: number; w: number; h: number }): unknown {
  const instant = panel.kind === "table";
  return {
    id,
    title: panel.title,
    ...(panel.description !== undefined && { description: panel.description }),
    datasource,
    gridPos,
    targets: panel.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(instant && { instant: true, range: false, format: "table" }),
      ...(panel.kind === "heatmap" && { format: "heatmap" }),
    })),
    ...looksOf(panel),
  };
}

function looksOf(panel: Panel): object {
  const { kind, unit } = panel;
  switch (kind) {
    case "lines":
    case "stacked":
      return {
        type: "timeseries",
        fieldConfig: {
          defaults: {
            unit,
            min: 0,
            custom: {
              drawStyle: "line",
              lineWidth: 1,
              fillOpacity: kind === "stacked" ? 30 : 0,
              showPoints: "never",
              spanNulls: false,
              stacking: { mode: kind === "stacked" ? "normal" : "none", group: "A" },
            },
          },
          overrides: [],
        },
        options: {
          legend: { showLegend: true, displayMode: "list", placement: "bottom", calcs: [] },
          tooltip: { mode: "multi", sort: "desc" },
        },
      };
    case "number":
      return {
        type: "stat",
        fieldConfig: {
          defaults: { unit, color: { mode: "thresholds" }, thresholds: thresholdsOf(panel) },
          overrides: [],
        },
        options: {
          reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
          colorMode: "value",
          graphMode: "area",
          textMode: "auto",
          justifyMode: "auto",
        },
      };
    case "table":
      return {
        type: "table",
        fieldConfig: { defaults: { unit }, overrides: [] },
        options: { showHeader: true },
        transformations: [{ id: "organize", options: { excludeByName: { Time: true, __name__: true, job: true } } }],
      };
    case "heatmap":
      return {
        type: "heatmap",
        fieldConfig: { defaults: {}, overrides: [] },
        options: {
          calculate: false,
          yAxis: { unit },
          cellGap: 1,
          color: { mode: "scheme", scheme: "Oranges", steps: 32, exponent: 0.5 },
          legend: { show: true },
          tooltip: { mode: "single", yHistogram: true },
        },
      };
  }
}

function thresholdsOf({ bad }: Panel): unknown {
  const steps =
    bad === undefined
      ? [{ color: "green", value: null }]
      : "from" in bad
        ? [
            { color: "green", value: null },
            { color: "red", value: bad.from },
          ]
        : [
            { color: "red", value: null },
            { color: "green", value: bad.below },
          ];
  return { mode: "absolute", steps };
}
