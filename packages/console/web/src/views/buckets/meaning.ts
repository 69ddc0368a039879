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
  const { readsTolerate, writesTolerate, summary, tolerates, costs, warning } = found.meaning;
  return h(
    "div",
    { class: "stack" },
    h("p", { class: "summary" }, summary),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Reads"),
      h(
        "dd",
        {},
        `go on with ${plural(readsTolerate, "replica")} away; as fast as the ${nth(read)} fastest of ${replicas}`,
      ),
      h("dt", {}, "Writes"),
      h(
        "dd",
        {},
        `go on with ${plural(writesTolerate, "replica")} away; as fast as the ${nth(write)} fastest of ${replicas}`,
      ),
      h("dt", {}, "Overlap"),
      h("dd", {}, `every read meets every write in ${plural(read + write - replicas, "replica")} at least`),
      h("dt", {}, "Tolerates"),
      h("dd", {}, tolerates),
      h("dt", {}, "Costs"),
      h("dd", {}, costs),
    ),
    warning !== null && h("p", { class: "note tone-warning" }, shape("warning"), h("span", {}, warning)),
  );
}

function nth(index: number): string {
  return ["first", "second", "third", "fourth", "fifth"][index - 1] ?? `${index}th`;
}
