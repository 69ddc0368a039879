/** What happened last, in short. */
import { linkTo } from "../../router.js";
import { events } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import { formatClock, formatTime } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { severityTone, shape } from "../../ui/state.js";

const rowsMax = 10;

export function newestEvents(): HTMLElement {
  const list = each({
    parent: h("ol", { class: "event-lines live" }),
    items: () => events.get().slice(0, rowsMax),
    key: ({ id }) => id,
    build: (event) => {
      const { atMs, severity, message } = event.peek();
      return h(
        "li",
        {},
        h(
          "time",
          { class: "muted", datetime: new Date(atMs).toISOString(), title: formatTime(atMs) },
          formatClock(atMs),
        ),
        shape(severityTone(severity)),
        h(
          "span",
          { class: "break" },
          severity === "info" ? "" : h("span", { class: "heard" }, `${severity}: `),
          message,
        ),
      );
    },
  });
  return h(
    "section",
    { class: "panel", "aria-labelledby": "newest" },
    h(
      "header",
      {},
      h("h2", { id: "newest" }, "Newest events"),
      h("a", { class: "end", href: linkTo("events") }, "All events"),
    ),
    list,
    slot(() => (events.get().length === 0 ? h("p", { class: "muted" }, "Nothing has happened yet.") : undefined)),
  );
}
