/** The change of the layout that is under way, or the last one. */
import type { LayoutChangeState, LayoutChangeView } from "../../../../src/api.js";
import { layout } from "../../store.js";
import { slot } from "../../ui/dynamic.js";
import { formatBytes, formatCount, formatDuration, formatTime, plural } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { computed } from "../../ui/reactive.js";
import { shape, stateBadge, type StateLook } from "../../ui/state.js";

const looks: Readonly<Record<LayoutChangeState, StateLook>> = {
  moving: { tone: "info", word: "moving" },
  stopping: { tone: "warning", word: "stopping" },
  stopped: { tone: "info", word: "stopped" },
  done: { tone: "good", word: "done" },
  superseded: { tone: "info", word: "superseded" },
};

export function changePanel(): HTMLElement {
  const state = computed(() => layout.get()?.change?.state);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "change" },
    h(
      "header",
      {},
      h("h2", { id: "change" }, () => (isUnderWay(state.get()) ? "Change under way" : "Last change")),
      h(
        "span",
        { class: "end", role: "status" },
        slot(() => {
          const known = state.get();
          return known && stateBadge(looks[known]);
        }),
      ),
    ),
    slot(() => {
      const change = layout.get()?.change;
      return change
        ? changeBody(change)
        : h("p", { class: "muted" }, "The layout has not changed since the cluster was formed.");
    }),
  );
}

function isUnderWay(state: LayoutChangeState | undefined): boolean {
  return state === "moving" || state === "stopping";
}

function changeBody(change: LayoutChangeView): HTMLElement {
  const { reason, movesTotal, movesDone, moving, bytesTotal, remainingMs, obstacles, startedAtMs, endedAtMs } = change;
  const counts = `${formatCount(movesDone)} of ${plural(movesTotal, "partition")} moved`;
  return h(
    "div",
    { class: "stack live" },
    h("p", { class: "break" }, reason),
    isUnderWay(change.state) && h("progress", { max: Math.max(1, movesTotal), value: movesDone, "aria-label": counts }),
    h(
      "p",
      { class: "second" },
      [
        counts,
        moving > 0 ? `${formatCount(moving)} moving now` : "",
        bytesTotal > 0 ? `about ${formatBytes(bytesTotal)}` : "",
        remainingMs !== null && isUnderWay(change.state) ? `about ${formatDuration(remainingMs)} left` : "",
      ]
        .filter((part) => part !== "")
        .join(" · "),
    ),
    h(
      "p",
      { class: "muted small" },
      endedAtMs === null
        ? `since ${formatTime(startedAtMs)}`
        : `${formatTime(startedAtMs)}, took ${formatDuration(endedAtMs - startedAtMs)}`,
    ),
    obstacles.map((obstacle) => h("p", { class: "note tone-warning" }, shape("warning"), h("span", {}, obstacle))),
  );
}
