import { readFileSync } from "node:fs";
import { alertsChapter, rulesYaml } from "./alert-rules.js";
import { alerts } from "./alerts.js";
import { dashboards } from "./dashboards/dashboards.js";
import { eventsTable } from "./event-reference.js";
import { grafanaJson } from "./grafana.js";
import { withPart } from "./markdown.js";
import { metricsPage } from "./metrics-reference.js";
import { registries } from "./registries.js";
import { binaries, clone, settingsOf, settingsTable } from "./settings-reference.js";

export interface GeneratedFile {
  /** From the top of the clone. */
  readonly path: string;
  readonly content: string;
}

/** All that is written by a program, as it should be now. */
export function generated(): readonly GeneratedFile[] {
  return [
    { path: "docs/METRICS.md", content: metricsPage(registries()) },
    { path: "docs/OPERATIONS.md", content: operations() },
    { path: "deploy/prometheus/alerts.yml", content: rulesYaml(alerts) },
    ...dashboards.map((dashboard) => ({
      path: `deploy/grafana/dashboards/${dashboard.id}.json`,
      content: JSON.stringify(grafanaJson(dashboard)),
    })),
  ];
}

function operations(): string {
  const parts: readonly (readonly [string, string])[] = [
    ...binaries.map((binary) => [`settings of ${binary}`, settingsTable(settingsOf(binary))] as const),
    ["alerts", alertsChapter(alerts)],
    ["events", eventsTable()],
  ];
  const document = readFileSync(`${clone}docs/OPERATIONS.md`, "utf8");
  return parts.reduce((text, [name, content]) => withPart(text, name, content), document);
}
