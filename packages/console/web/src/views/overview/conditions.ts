/** What there is to say of the cluster, worst first, where it is more than the line at the top says. */
import type { Condition } from "../../../../src/api.js";
import { cluster } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import { h } from "../../ui/h.js";
import { levelTone, shape } from "../../ui/state.js";

export function conditionList(): HTMLElement {
  const list = each({
    parent: h("ul", { class: "conditions" }),
    items: notable,
    key: ({ level, text }) => `${level} ${text}`,
    build: (condition) => {
      const { level, text } = condition.peek();
      const tone = levelTone(level);
      return h("li", { class: `note tone-${tone}` }, shape(tone), h("span", {}, text));
    },
  });
  return h(
    "section",
    { "aria-label": "Health", class: "live", hidden: () => cluster.get() !== undefined && notable().length === 0 },
    slot(() => (cluster.get() ? undefined : h("p", { class: "note" }, "Waiting for the cluster's first words."))),
    list,
  );
}

function notable(): readonly Condition[] {
  const all = cluster.get()?.conditions ?? [];
  return all.some(({ level }) => level !== "good") ? all : [];
}
