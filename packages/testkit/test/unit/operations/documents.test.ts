import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { eventKinds } from "@quorumfs/core";
import { alertName, alertsChapter, rulesYaml, runbookOf } from "../../../../../deploy/src/alert-rules.js";
import { alerts } from "../../../../../deploy/src/alerts.js";
import { dashboards } from "../../../../../deploy/src/dashboards/dashboards.js";
import { eventsTable } from "../../../../../deploy/src/event-reference.js";
import { anchorsOf, withPart } from "../../../../../deploy/src/markdown.js";
import { metricsPage } from "../../../../../deploy/src/metrics-reference.js";
import { registries } from "../../../../../deploy/src/registries.js";
import { parseHelp } from "../../../../../deploy/src/settings-reference.js";

const clone = new URL("../../../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, clone), "utf8");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(new URL("docs", clone)).map((name) => `docs/${name}`),
];

describe("documents", () => {
  test.each(documents)("%s: its links lead somewhere", (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    for (const [link, target = "", anchor] of links) {
      const file = target === "" ? path : new URL(target, new URL(path, clone)).href.slice(clone.href.length);
      if (statSync(new URL(file, clone)).isDirectory()) continue;
      const text = read(file);
      if (anchor !== undefined)
        expect({ link, anchors: anchorsOf(text) }).toEqual({ link, anchors: expect.arrayContaining([anchor]) });
    }
  });

  test.each(alerts.map((alert) => [alertName(alert), alert] as const))("%s: its runbook is there", (_name, alert) => {
    const [path = "", anchor] = runbookOf(alert).split("#");
    expect(anchorsOf(read(path))).toContain(anchor);
  });

  test("the names of alerts and dashboards are their own", () => {
    const names = [...alerts.map(({ name }) => name), ...dashboards.map(({ id }) => id)];
    expect(new Set(names).size).toBe(names.length);
  });

  test("what is written by npm run docs from sources is current", () => {
    expect(read("docs/METRICS.md")).toBe(metricsPage(registries()));
    const operations = read("docs/OPERATIONS.md");
    expect(withPart(operations, "alerts", alertsChapter(alerts))).toBe(operations);
    expect(withPart(operations, "events", eventsTable())).toBe(operations);
    expect(rulesYaml(alerts)).toContain("runbook_url");
  });

  test("every kind of event is in the table", () => {
    for (const kind of Object.keys(eventKinds)) expect(eventsTable()).toContain(`\`${kind}\``);
  });

  test("settings are read from what --help says", () => {
    const help = [
      "quorumfs-x [options]",
      "",
      "Options:",
      '      --data-dir    Directory [or so] of it  [string] [default: "data/x"]',
      '  -o, --output      Results  [choices: "table", "json"] [default: "table"]',
      "      --rate        Operations a second  [number]",
      "      --config      JSON file  [string] [default: none]",
      "  -h, --help        Show help  [boolean]",
    ].join("\n");
    expect(parseHelp(help)).toEqual([
      { flag: "data-dir", type: "string", byDefault: "data/x", meaning: "Directory [or so] of it" },
      { flag: "output", type: "table, json", byDefault: "table", meaning: "Results" },
      { flag: "rate", type: "number", byDefault: "", meaning: "Operations a second" },
    ]);
  });
});
