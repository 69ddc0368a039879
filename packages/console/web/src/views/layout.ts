/** Which DataNodes hold which partitions, and what moves. */
import { h } from "../ui/h.js";
import { changePanel } from "./layout/change.js";
import { mapPanel } from "./layout/map.js";
import { sharesPanel } from "./layout/shares.js";

export function layoutView(): HTMLElement {
  return h(
    "div",
    { class: "view layout-view" },
    mapPanel(),
    h("div", { class: "stack" }, changePanel(), sharesPanel()),
  );
}
