import { reportAsTable } from "./table.js";
import type { Plot } from "./plots.js";
import type { Report } from "./report.js";

/** Script and style of uPlot, which the page carries inside: it needs no network. */
export interface PlotLibrary {
  readonly script: string;
  readonly style: string;
}

/** The results as one page with plots that needs nothing else. */
export function reportAsHtml(report: Report, plots: readonly Plot[], library: PlotLibrary): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>QuorumFS workload ${escapeHtml(report.config.mode)}</title>
<style>${library.style}
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1000px; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
pre { overflow-x: auto; background: #f5f5f5; padding: 1rem; font-size: 12px; line-height: 1.3; }
footer { color: #666; margin-top: 2rem; }
</style>
</head>
<body>
<h1>QuorumFS workload: ${escapeHtml(report.config.mode)}</h1>
<p><time>${escapeHtml(report.startedAt)}</time></p>
<pre>${escapeHtml(reportAsTable(report))}</pre>
<div id="plots"></div>
<h2>Settings</h2>
<pre>${escapeHtml(JSON.stringify(report.config, undefined, 2))}</pre>
<footer>quorumfs-workload ${escapeHtml(report.version)}, run ${escapeHtml(report.runId)}</footer>
<script>${library.script}</script>
<script>
const plots = ${scriptJson(plots)};
const colours = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e"];
const place = document.getElementById("plots");
const charts = plots.map((plot) => {
  const box = place.appendChild(document.createElement("div"));
  box.appendChild(document.createElement("h2")).textContent = plot.title;
  const labels = plot.ticks && new Map(plot.ticks);
  const options = {
    width: place.clientWidth,
    height: 280,
    scales: { x: { time: false }, y: { distr: plot.logarithmicY ? 3 : 1 } },
    axes: [
      {
        label: plot.x,
        ...(labels ? { splits: () => [...labels.keys()], values: (_, at) => at.map((x) => labels.get(x) ?? "") } : {}),
      },
      { label: plot.y, size: 70 },
    ],
    series: [
      { label: plot.x },
      ...plot.lines.map((label, index) => ({ label, stroke: colours[index % colours.length], width: 1.5, spanGaps: false })),
    ],
  };
  return new uPlot(options, plot.columns, box);
});
addEventListener("resize", () => charts.forEach((chart) => chart.setSize({ width: place.clientWidth, height: 280 })));
</script>
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** JSON that cannot end the script that it stands in. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
