import { escapeHtml, type Plot, type PlotLibrary, scriptJson } from "@quorumfs/workload-generator";
import type { NemesisReport } from "./report.js";
import { reportAsTable } from "./table.js";

/** The run as one page that needs nothing else: when which fault was there, and what clients met at the time. */
export function reportAsHtml(report: NemesisReport, plots: readonly Plot[], library: PlotLibrary): string {
  const lanes = lanesOf(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>QuorumFS nemesis, seed ${report.config.seed}</title>
<style>${library.style}
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
pre { overflow-x: auto; background: #f5f5f5; padding: 1rem; font-size: 12px; line-height: 1.3; }
.lane { position: relative; height: 18px; margin-left: 70px; border-bottom: 1px solid #eee; }
.lane > b { position: absolute; left: -70px; width: 66px; font: 11px/18px system-ui, sans-serif; text-align: right; }
.lane > i { position: absolute; top: 2px; bottom: 2px; min-width: 2px; background: #d62728; opacity: .65; }
.lane > i.after { background: #ff7f0e; opacity: .4; }
table { border-collapse: collapse; font-size: 12px; } td { padding: .1rem .6rem; vertical-align: top; border-top: 1px solid #eee; }
footer { color: #666; margin-top: 2rem; }
</style>
</head>
<body>
<h1>QuorumFS under faults: ${report.violations.length === 0 ? "0 violations" : `${report.violations.length} VIOLATIONS`}</h1>
<p><time>${escapeHtml(report.startedAt)}</time></p>
<pre>${escapeHtml(reportAsTable(report))}</pre>
<h2>Faults</h2>
<p>Red: the fault is there. Orange: it is gone, and what it did is not made good yet. Point at one to see what it was.</p>
<div id="lanes"></div>
<div id="plots"></div>
<h2>What happened</h2>
<table>${eventsOf(report)}</table>
<footer>${escapeHtml(report.command)}</footer>
<script>${library.script}</script>
<script>
const lanes = ${scriptJson(lanes)};
const plots = ${scriptJson(plots)};
const endMs = ${Math.max(1, Math.round(report.elapsedMs))};
for (const { name, bars } of lanes) {
  const lane = document.getElementById("lanes").appendChild(document.createElement("div"));
  lane.className = "lane";
  lane.appendChild(document.createElement("b")).textContent = name;
  for (const { from, to, kind, what } of bars) {
    const bar = lane.appendChild(document.createElement("i"));
    bar.className = kind;
    bar.title = what;
    bar.style.left = (100 * from) / endMs + "%";
    bar.style.width = (100 * (to - from)) / endMs + "%";
  }
}
const colours = ["#1f77b4", "#2ca02c", "#d62728", "#9467bd", "#ff7f0e"];
const place = document.getElementById("plots");
const charts = plots.map((plot) => {
  const box = place.appendChild(document.createElement("div"));
  box.appendChild(document.createElement("h2")).textContent = plot.title;
  const shade = (chart) => {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.fillStyle = "rgba(214, 39, 40, 0.07)";
    for (const { bars } of lanes) {
      for (const { from, to, kind } of bars) {
        if (kind === "after") continue;
        const left = Math.max(bbox.left, chart.valToPos(from / 1000, "x", true));
        const right = Math.min(bbox.left + bbox.width, chart.valToPos(to / 1000, "x", true));
        ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
      }
    }
    ctx.restore();
  };
  return new uPlot(
    {
      width: place.clientWidth,
      height: 260,
      scales: { x: { time: false, range: [0, endMs / 1000] }, y: { distr: plot.logarithmicY ? 3 : 1 } },
      axes: [{ label: plot.x }, { label: plot.y, size: 70 }],
      hooks: { drawClear: [shade] },
      series: [
        { label: plot.x },
        ...plot.lines.map((label, index) => ({ label, stroke: colours[index % colours.length], width: 1.5, spanGaps: false })),
      ],
    },
    plot.columns,
    box,
  );
});
addEventListener("resize", () => charts.forEach((chart) => chart.setSize({ width: place.clientWidth, height: 260 })));
</script>
</body>
</html>
`;
}

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly kind: "during" | "after";
  readonly what: string;
}

function lanesOf({ rows, records, elapsedMs }: NemesisReport): readonly { name: string; bars: readonly Bar[] }[] {
  return rows
    .filter(({ name }) => name !== "all")
    .map(({ name }) => ({
      name,
      bars: records
        .filter((record) => record.name === name)
        .flatMap(({ what, injectedAt, healedAt, servedAt, syncedAt }): readonly Bar[] => {
          const healed = healedAt ?? elapsedMs;
          return [
            { from: injectedAt, to: healed, kind: "during", what },
            { from: healed, to: syncedAt ?? servedAt ?? healed, kind: "after", what },
          ];
        }),
    }));
}

function eventsOf({ records, notes }: NemesisReport): string {
  const events = [
    ...records.map(({ injectedAt, what, trouble }) => ({
      atMs: injectedAt,
      text: trouble === undefined ? what : `${what}: ${trouble}`,
    })),
    ...notes,
  ].sort((a, b) => a.atMs - b.atMs);
  return events
    .map(({ atMs, text }) => `<tr><td>${(atMs / 1000).toFixed(1)} s</td><td>${escapeHtml(text)}</td></tr>`)
    .join("\n");
}
