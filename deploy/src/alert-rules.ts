/** The alerts as a file of Prometheus rules, and as the chapter that their runbook links lead to. */
import { stringify } from "yaml";
import type { Alert } from "./alerts.js";
import { anchorOf } from "./markdown.js";

/** Where the rules look for their runbook: a path in the clone, which is what everybody has who runs this. */
const runbook = "docs/OPERATIONS.md";

const header = "# Written by `npm run docs` from deploy/src/alerts.ts: change it there.\n";

export function alertName({ name }: Alert): string {
  return `QuorumFS${name}`;
}

export function runbookOf(alert: Alert): string {
  return `${runbook}#${anchorOf(alertName(alert))}`;
}

export function rulesYaml(alerts: readonly Alert[]): string {
  const rules = alerts.map((alert) => ({
    alert: alertName(alert),
    expr: alert.expr,
    ...(alert.forAtLeast !== undefined && { for: alert.forAtLeast }),
    labels: { severity: alert.severity },
    annotations: { summary: alert.summary, description: alert.description, runbook_url: runbookOf(alert) },
  }));
  return header + stringify({ groups: [{ name: "quorumfs", rules }] }, { lineWidth: 0 });
}

/** One heading for each alert: when it comes, what it means, what to do. */
export function alertsChapter(alerts: readonly Alert[]): string {
  return alerts
    .map((alert) => {
      const since = alert.forAtLeast === undefined ? "at once" : `after ${alert.forAtLeast}`;
      return `### ${alertName(alert)}\n\n${alert.severity}, ${since}: \`${alert.expr}\`\n\n${alert.meaning}\n\n**What to do.** ${alert.todo}`;
    })
    .join("\n\n");
}
