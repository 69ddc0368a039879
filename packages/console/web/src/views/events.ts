/** What happened to the cluster, as it happens and back in time. */
import type { EventPage, EventView, Severity } from "../../../src/api.js";
import { api, describeError } from "../api.js";
import { connection, events } from "../store.js";
import { each, slot } from "../ui/dynamic.js";
import { formatCount, formatTime } from "../ui/format.js";
import { h } from "../ui/h.js";
import { computed, effect, signal, untracked } from "../ui/reactive.js";
import { loaded } from "../ui/loaded.js";
import { segmented } from "../ui/segmented.js";
import { severityTone, shape } from "../ui/state.js";
import { toast } from "../ui/toast.js";

const pageLimit = 100;
/** What a page can hold and still be quick; older ones are a matter for `quorumfs events`. */
const shownMax = 5_000;

const severities: readonly Severity[] = ["info", "warning", "error"];
/** First parts of kinds, as the core's closed set has them. */
const kinds = ["node", "layout", "bucket", "repair", "damage", "scrub", "overload", "cluster", "supernode"] as const;

/** Kept from visit to visit. */
const severity = signal<Severity>("info");
const kind = signal<string>("");

export function eventsView(): HTMLElement {
  const isLive = computed(() => connection.get() === "live");
  const page = loaded<EventPage>((abort) => api.events(query(), abort));
  // Anew for another filter, and after a break, in which more may have happened than the stream tells afterwards.
  effect(() => {
    severity.get();
    kind.get();
    if (isLive.get() || page.value() === undefined) untracked(page.load);
  });
  const shown = (): readonly EventView[] => {
    const base = page.value();
    if (!base) return [];
    const newestId = base.events[0]?.id ?? 0;
    const fresh = events.get().filter((event) => event.id > newestId && passes(event));
    return [...fresh, ...base.events].slice(0, shownMax);
  };
  const more = async (): Promise<void> => {
    const known = page.value();
    const last = known?.events.at(-1);
    if (!known || !last) return;
    try {
      const older = await api.events({ ...query(), before: last.id });
      page.set({ events: [...known.events, ...older.events], more: older.more });
    } catch (error) {
      toast("error", describeError(error));
    }
  };
  const select: HTMLSelectElement = h(
    "select",
    { id: "event-kind", onchange: () => kind.set(select.value) },
    h("option", { value: "" }, "everything"),
    kinds.map((name) => h("option", { value: name, selected: kind.peek() === name }, name)),
  );
  return h(
    "div",
    { class: "view" },
    h(
      "section",
      { class: "panel", "aria-label": "Events" },
      h(
        "header",
        { class: "event-filter" },
        segmented({
          label: "How bad",
          value: severity,
          choices: [
            { value: "info", label: "all" },
            { value: "warning", label: "warnings and errors" },
            { value: "error", label: "errors" },
          ],
        }),
        h("label", { class: "check small", for: "event-kind" }, "About"),
        select,
      ),
      slot(() =>
        page.fault() === ""
          ? undefined
          : h("p", { class: "note tone-error", role: "alert" }, shape("error"), page.fault()),
      ),
      h("div", { class: "heard", role: "log", "aria-live": "polite" }, () => newestWords(shown()[0])),
      each({
        parent: h("ol", { class: "events" }),
        items: shown,
        key: ({ id }) => id,
        build: (event) => eventRow(event.peek()),
      }),
      slot(() =>
        page.value() && shown().length === 0
          ? h("p", { class: "empty" }, "Nothing of this kind has happened.")
          : undefined,
      ),
      slot(() =>
        page.value()?.more && shown().length < shownMax
          ? h(
              "p",
              { class: "row more" },
              h("button", { type: "button", class: "button", onclick: () => void more() }, "Load older"),
              h("span", { class: "muted small" }, () => `${formatCount(shown().length)} shown`),
            )
          : undefined,
      ),
    ),
  );
}

function query(): { severity?: Severity; kinds?: string; limit: number } {
  return {
    limit: pageLimit,
    ...(severity.peek() === "info" ? {} : { severity: severity.peek() }),
    ...(kind.peek() === "" ? {} : { kinds: kind.peek() }),
  };
}

function passes(event: EventView): boolean {
  const isBadEnough = severities.indexOf(event.severity) >= severities.indexOf(severity.get());
  return isBadEnough && (kind.get() === "" || event.kind.startsWith(`${kind.get()}.`));
}

function newestWords(event: EventView | undefined): string {
  return event ? `${event.severity}: ${event.message}` : "";
}

function eventRow({ atMs, kind: name, severity: grade, node, message, fields }: EventView): HTMLElement {
  const details = Object.entries(fields);
  return h(
    "li",
    { class: "event" },
    h("time", { class: "muted nowrap", datetime: new Date(atMs).toISOString() }, formatTime(atMs)),
    h("span", { class: `state tone-${severityTone(grade)}` }, shape(severityTone(grade)), grade),
    h("code", { class: "kind second" }, name),
    h(
      "div",
      { class: "event-text" },
      h("p", { class: "break" }, message, node !== null && h("span", { class: "tag event-node" }, `node ${node}`)),
      details.length > 0 &&
        h("p", { class: "small muted break" }, details.map(([field, value]) => `${field} ${value}`).join(" · ")),
    ),
  );
}
