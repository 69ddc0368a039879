/** What there is to say of the cluster, worst first. */
import { cluster } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import { h } from "../../ui/h.js";
import { levelTone, shape } from "../../ui/state.js";

export function conditionList(): HTMLElement {
  const list = each({
    parent: h("ul", { class: "conditions" }),
    items: () => cluster.get()?.conditions ?? [],
    key: ({ level, text }) => `${level} ${text}`,
    build: (condition) => {
      const { level, text } = condition.peek();
      const tone = levelTone(level);
      return h("li", { class: `note tone-${tone}` }, shape(tone), h("span", {}, text));
    },
  });
  return h(
    "section",
    { "aria-label": "Health", class: "live" },
    slot(() => (cluster.get() ? undefined : h("p", { class: "note" }, "Waiting for the cluster's first words."))),
    list,
  );
}
