/** The run that is under way, and those before it. */
import type { WorkloadGroup, WorkloadRun, WorkloadState } from "../../../../src/api.js";
import { api, describeError } from "../../api.js";
import { workload } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatRate,
  formatTime,
  noFigure,
} from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import { computed, type Signal } from "../../ui/reactive.js";
import { shape, stateBadge, type StateLook } from "../../ui/state.js";
import { toast } from "../../ui/toast.js";

const looks: Readonly<Record<WorkloadState, StateLook>> = {
  starting: { tone: "info", word: "starting" },
  preparing: { tone: "info", word: "writing its files" },
  running: { tone: "good", word: "running" },
  checking: { tone: "info", word: "checking and clearing up" },
  stopping: { tone: "warning", word: "stopping" },
  done: { tone: "good", word: "done" },
  stopped: { tone: "warning", word: "stopped" },
  failed: { tone: "error", word: "failed" },
};

export function currentRun(): HTMLElement {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "current-run" },
    h("header", {}, h("h2", { id: "current-run" }, "Running now")),
    slot(() =>
      isRunning.get()
        ? undefined
        : h("p", { class: "muted" }, "Nothing runs. The charts of the overview show what a run does."),
    ),
    each({
      parent: h("div", { class: "live" }),
      items: () => [workload.get()?.current ?? []].flat(),
      key: ({ id }) => id,
      build: runningNow,
    }),
  );
}

const isRunning = { get: () => Boolean(workload.get()?.current) };

function runningNow(run: Signal<WorkloadRun>): HTMLElement {
  const state = computed(() => run.get().state);
  const progress = () => run.get().progress;
  const stop = async (): Promise<void> => {
    try {
      await api.stopWorkload();
    } catch (error) {
      toast("error", describeError(error));
    }
  };
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "row" },
      h(
        "span",
        { role: "status" },
        slot(() => stateBadge(looks[state.get()])),
      ),
      h("span", { class: "second" }, title(run.peek())),
      h(
        "button",
        {
          type: "button",
          class: "button end",
          "aria-disabled": () => (state.get() === "stopping" ? "true" : undefined),
          onclick: () => void stop(),
        },
        icon("stop"),
        "Stop",
      ),
    ),
    h("progress", { max: 1, value: () => progress().fraction ?? undefined, "aria-label": "How far the run is" }),
    h(
      "dl",
      { class: "figures run-figures" },
      figure(
        "Done",
        () =>
          `${formatCount(progress().done)}${progress().total === null ? "" : ` of ${formatCount(progress().total ?? 0)}`}`,
      ),
      figure("Now", () => formatRate(progress().perSecond)),
      figure("Failed", () => formatCount(progress().failed)),
    ),
  );
}

function figure(name: string, value: () => string): HTMLElement {
  return h("div", { class: "figure" }, h("dt", {}, name), h("dd", { class: "figure-value" }, value));
}

function title({ request }: WorkloadRun): string {
  const { mode, operations, durationSeconds, ratePerSecond, size, files, bucket } = request;
  return [
    mode,
    operations === undefined ? undefined : `${formatCount(operations)} operations`,
    durationSeconds === undefined ? undefined : formatDuration(durationSeconds * 1000),
    ratePerSecond === undefined ? undefined : formatRate(ratePerSecond),
    files === undefined ? undefined : `${formatCount(files)} files`,
    size,
    bucket,
  ]
    .filter((part) => part !== undefined)
    .join(" · ");
}

export function finishedRuns(): HTMLElement {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "finished-runs" },
    h("header", {}, h("h2", { id: "finished-runs" }, "Results")),
    slot(() => ((workload.get()?.finished.length ?? 0) > 0 ? undefined : h("p", { class: "muted" }, "None yet."))),
    each({
      parent: h("ol", { class: "results" }),
      items: () => workload.get()?.finished ?? [],
      key: ({ id }) => id,
      build: (run) => finishedRun(run.peek()),
    }),
  );
}

function finishedRun(run: WorkloadRun): HTMLElement {
  const { state, result, error, startedAtMs } = run;
  const errors = Object.entries(result?.errors ?? {});
  return h(
    "li",
    { class: "stack" },
    h(
      "div",
      { class: "row" },
      stateBadge(looks[state]),
      h("span", { class: "second break" }, title(run)),
      h("span", { class: "muted small end" }, formatTime(startedAtMs)),
    ),
    error !== null && h("p", { class: "note tone-error" }, shape("error"), h("span", {}, error)),
    result && groupTable(result.groups),
    result &&
      h(
        "p",
        { class: "small second" },
        `${formatDuration(result.elapsedMs)}, ${formatBytes(result.bytesPerSecond)}/s`,
        result.linearizable !== null &&
          h(
            "span",
            { class: `tag tone-${result.linearizable ? "good" : "error"} linearizable` },
            shape(result.linearizable ? "good" : "error"),
            result.linearizable ? "linearizable" : "not linearizable",
          ),
        errors.length > 0 && ` Failed: ${errors.map(([code, count]) => `${formatCount(count)} ${code}`).join(", ")}`,
      ),
  );
}

function groupTable(groups: readonly WorkloadGroup[]): HTMLElement {
  return h(
    "div",
    { class: "scroll inner" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, h("span", { class: "heard" }, "Operations")),
          ["per second", "count", "failed", "p50", "p95", "p99", "max"].map((name) =>
            h("th", { scope: "col", class: "number" }, name),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        groups.map(({ name, operationsPerSecond, count, failed, p50Ms, p95Ms, p99Ms, maxMs }) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name),
            [
              formatCount(operationsPerSecond),
              formatCount(count),
              failed === 0 ? noFigure : formatCount(failed),
              ...[p50Ms, p95Ms, p99Ms, maxMs].map(formatMs),
            ].map((text) => h("td", { class: "number" }, text)),
          ),
        ),
      ),
    ),
  );
}
