import type { MetricDescription } from "@quorumfs/telemetry";
import { table } from "./markdown.js";

/** The metrics of one kind of process. */
export interface Registry {
  readonly title: string;
  /** Where they are served. */
  readonly served: string;
  readonly metrics: readonly MetricDescription[];
}

const intro = `# Metrics

Written by \`npm run docs\` from the code; do not edit it. Names follow Prometheus' conventions: base units (seconds, bytes), \`_total\` for what only grows.
Of a histogram there are the series \`_bucket\`, \`_sum\` and \`_count\`. Prometheus adds the labels of its targets, as the SuperNode tells them: \`process\`, \`node\`, \`zone\`.
[OPERATIONS.md](OPERATIONS.md#watch) says how to scrape them, and what the alerts mean.`;

export function metricsPage(registries: readonly Registry[]): string {
  const chapters = registries.map(({ title, served, metrics }) => {
    const rows = metrics.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(", "),
      help,
    ]);
    return `## ${title}\n\n${served}\n\n${table(["metric", "type", "labels", "meaning"], rows)}`;
  });
  return `${[intro, ...chapters].join("\n\n")}\n`;
}
