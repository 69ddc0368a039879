/** What a valid choice of R and W means, in words. */
import type { QuorumChoice } from "../../../../src/api.js";
import { plural } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { shape } from "../../ui/state.js";

export function choiceMeaning(options: {
  replicas: number;
  read: number;
  write: number;
  /** What the server says of it; undefined: it does not offer this choice. */
  found: QuorumChoice | undefined;
}): HTMLElement {
  const { replicas, read, write, found } = options;
  if (!found) {
    return h("p", { class: "note tone-error" }, shape("error"), "The cluster does not offer this choice.");
  }
  const { readsTolerate, writesTolerate, tolerates, costs, warning } = found.meaning;
  return h(
    "div",
    { class: "stack" },
    h(
      "dl",
      { class: "figures quorum-figures" },
      figure("Reads survive", `${readsTolerate} of ${replicas}`, "replicas away"),
      figure("Writes survive", `${writesTolerate} of ${replicas}`, "replicas away"),
      figure("Overlap", plural(read + write - replicas, "replica"), "in each read and write"),
    ),
    h("p", {}, tolerates),
    h("p", { class: "second" }, costs),
    warning !== null && h("p", { class: "note tone-warning" }, shape("warning"), h("span", {}, warning)),
  );
}

function figure(name: string, value: string, note: string): HTMLElement {
  return h(
    "div",
    { class: "figure" },
    h("dt", {}, name),
    h("dd", { class: "figure-value" }, value),
    h("dd", { class: "figure-note" }, note),
  );
}
