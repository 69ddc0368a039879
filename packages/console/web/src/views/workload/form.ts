/** What to run. */
import type { Distribution, WorkloadMode, WorkloadRequest } from "../../../../src/api.js";
import { api, describeError } from "../../api.js";
import { workload } from "../../store.js";
import { checkbox } from "../../ui/checkbox.js";
import { slot } from "../../ui/dynamic.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import { loaded } from "../../ui/loaded.js";
import { computed, effect, signal } from "../../ui/reactive.js";
import { type Choice, segmented } from "../../ui/segmented.js";

const modes: readonly Choice<WorkloadMode>[] = [
  { value: "balanced", label: "balanced", title: "Half reads, half writes" },
  { value: "read-heavy", label: "read-heavy", title: "95 % reads" },
  { value: "write-heavy", label: "write-heavy", title: "95 % writes" },
  { value: "state-query", label: "state queries", title: "Questions about files and nodes" },
];

const distributions: readonly Choice<Distribution>[] = [
  { value: "uniform", label: "all alike" },
  { value: "zipfian", label: "few most of the time" },
  { value: "hotspot", label: "80 % to 20 %" },
];

/** Remembered while the page is open. */
const mode = signal<WorkloadMode>("balanced");
const distribution = signal<Distribution>("uniform");
const ends = signal<"operations" | "duration">("operations");
const verify = signal(false);

export function workloadForm(): HTMLElement {
  const fault = signal("");
  const isBusy = computed(() => Boolean(workload.get()?.current));
  const buckets = loaded((abort) => api.buckets(abort));
  buckets.load();
  const bucket = h("select", { id: "run-bucket" });
  effect(() => {
    const names = buckets.value()?.buckets.map(({ name }) => name) ?? ["files"];
    bucket.replaceChildren(...names.map((name) => h("option", { value: name, selected: name === "files" }, name)));
  });
  const operations = wholeNumber("operations", 100_000_000, 20_000);
  const duration = wholeNumber("duration", 86_400, 30);
  const rate = wholeNumber("rate", 1_000_000);
  const concurrency = wholeNumber("concurrency", 4096, 64);
  const files = wholeNumber("file-count", 1_000_000, 1000);
  const size = h("input", {
    type: "text",
    id: "run-size",
    value: "1KiB",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });

  const request = (): WorkloadRequest => ({
    mode: mode.peek(),
    distribution: distribution.peek(),
    bucket: bucket.value,
    size: size.value.trim(),
    ...(ends.peek() === "operations"
      ? { operations: operations.valueAsNumber }
      : { durationSeconds: duration.valueAsNumber }),
    ...(rate.value.trim() === "" ? {} : { ratePerSecond: rate.valueAsNumber }),
    concurrency: concurrency.valueAsNumber,
    files: files.valueAsNumber,
    ...(verify.peek() && mode.peek() !== "state-query" ? { verify: true } : {}),
  });
  const run = async (): Promise<void> => {
    fault.set("");
    try {
      await api.startWorkload(request());
    } catch (error) {
      fault.set(describeError(error));
    }
  };

  return h(
    "form",
    {
      class: "panel stack",
      "aria-labelledby": "run",
      onsubmit: (event) => {
        event.preventDefault();
        if (!isBusy.peek()) void run();
      },
    },
    h("header", {}, h("h2", { id: "run" }, "Run a workload")),
    segmented({ label: "What it does", labelled: true, value: mode, choices: modes }),
    segmented({
      label: "It ends after",
      labelled: true,
      value: ends,
      choices: [
        { value: "operations", label: "a number of operations" },
        { value: "duration", label: "a time" },
      ],
    }),
    h(
      "div",
      { class: "fields" },
      slot(() => (ends.get() === "operations" ? field("Operations", operations) : field("Seconds", duration))),
      field("Rate per second", rate, "empty: as fast as answered"),
      field("Under way at once", concurrency),
      field("Files", files),
      field("Size of a file", size, "1KiB, or a range: 4KiB..64KiB"),
      field("Bucket", bucket),
    ),
    segmented({ label: "Which files are busy", labelled: true, value: distribution, choices: distributions }),
    checkbox({ label: "Check what it sees for linearizability", value: verify }),
    h("p", { class: "fault tone-error", role: "alert" }, () => fault.get()),
    h(
      "div",
      { class: "row" },
      h(
        "button",
        { type: "submit", class: "button primary", "aria-disabled": () => (isBusy.get() ? "true" : undefined) },
        icon("play"),
        "Run",
      ),
      h("span", { class: "muted small" }, () => (isBusy.get() ? "One runs already." : "")),
    ),
  );
}

function wholeNumber(name: string, max: number, value?: number): HTMLInputElement {
  const required = value !== undefined;
  return h("input", { type: "number", id: `run-${name}`, min: 1, max, step: 1, value, required, inputmode: "numeric" });
}

function field(label: string, input: HTMLElement, hint = ""): HTMLElement {
  return h(
    "div",
    { class: "field" },
    h("label", { for: input.id }, label),
    input,
    hint !== "" && h("p", { class: "hint" }, hint),
  );
}
