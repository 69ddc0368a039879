/** How evenly the partitions are spread. */
import type { NodeShareView } from "../../../../src/api.js";
import { cluster, layout } from "../../store.js";
import { each } from "../../ui/dynamic.js";
import { formatCount, formatShort } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { computed, type Signal } from "../../ui/reactive.js";

export function sharesPanel(): HTMLElement {
  const max = computed(() =>
    Math.max(
      1,
      ...(layout.get()?.shares ?? []).flatMap(({ partitions, idealPartitions }) => [partitions, idealPartitions]),
    ),
  );
  return h(
    "section",
    { class: "panel", "aria-labelledby": "shares" },
    h(
      "header",
      {},
      h("h2", { id: "shares" }, "Shares"),
      h("span", { class: "muted" }, "partitions that each node holds"),
    ),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "live" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Node"),
            h("th", { scope: "col", class: "share-bar" }, h("span", { class: "heard" }, "Share")),
            ["holds", "ideal", "first"].map((title) => h("th", { scope: "col", class: "number" }, title)),
          ),
        ),
        each({
          parent: h("tbody"),
          items: () => layout.get()?.shares ?? [],
          key: ({ node }) => node,
          build: (share) => shareRow(share, max),
        }),
      ),
    ),
  );
}

function shareRow(share: Signal<NodeShareView>, max: { get(): number }): HTMLElement {
  const { node } = share.peek();
  const zone = () => cluster.get()?.nodes.find(({ id }) => id === node)?.zone ?? "";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, `Node ${node}`, h("div", { class: "muted small" }, zone)),
    h(
      "td",
      { class: "share-bar" },
      h("progress", {
        max: () => max.get(),
        value: () => share.get().partitions,
        "aria-label": () => `${share.get().partitions} partitions`,
      }),
    ),
    h("td", { class: "number" }, () => formatCount(share.get().partitions)),
    h("td", { class: "number" }, () => formatShort(share.get().idealPartitions)),
    h("td", { class: "number" }, () => formatCount(share.get().preferred)),
  );
}
