/** A run of the workload generator: set up, watch, stop, and what came of it. */
import { h } from "../ui/h.js";
import { workloadForm } from "./workload/form.js";
import { currentRun, finishedRuns } from "./workload/runs.js";

export function workloadView(): HTMLElement {
  return h(
    "div",
    { class: "view workload-view" },
    workloadForm(),
    h("div", { class: "stack" }, currentRun(), finishedRuns()),
  );
}
