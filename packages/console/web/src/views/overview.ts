/** How the cluster does, at a glance and over the last minutes. */
import { h } from "../ui/h.js";
import { signal } from "../ui/reactive.js";
import { segmented } from "../ui/segmented.js";
import { activityCharts } from "./overview/charts.js";
import { conditionList } from "./overview/conditions.js";
import { figures } from "./overview/figures.js";
import { busiest } from "./overview/busiest.js";
import { newestEvents } from "./overview/newest-events.js";
import { nodeTable } from "./overview/nodes.js";

/** Kept from visit to visit of the view. */
const seconds = signal(300);

export function overviewView(): HTMLElement {
  return h(
    "div",
    { class: "view overview" },
    conditionList(),
    figures(),
    h(
      "section",
      { "aria-labelledby": "activity" },
      h(
        "div",
        { class: "panel-head" },
        h("h2", { id: "activity" }, "Activity"),
        h(
          "div",
          { class: "end" },
          segmented({
            label: "How much of the past the charts show",
            value: seconds,
            choices: [
              { value: 60, label: "1 min", title: "1 minute" },
              { value: 300, label: "5 min", title: "5 minutes" },
              { value: 900, label: "15 min", title: "15 minutes" },
            ],
          }),
        ),
      ),
      activityCharts(seconds),
    ),
    nodeTable(seconds),
    h("div", { class: "columns" }, busiest(), newestEvents()),
  );
}
