/** What is around every view: navigation, how the cluster is, and whether what is shown is of now. */
import type { ConditionLevel } from "../../../src/api.js";
import { api, loginNeeded } from "../api.js";
import { linkTo, route, type ViewName, viewNames } from "../router.js";
import { about, cluster, connection, heardAtMs } from "../store.js";
import { slot } from "../ui/dynamic.js";
import { formatClock } from "../ui/format.js";
import { h, svg } from "../ui/h.js";
import { icon } from "../ui/icons.js";
import { computed, effect } from "../ui/reactive.js";
import { levelTone, shape } from "../ui/state.js";
import { themeToggle } from "../ui/theme.js";
import { bucketsView } from "./buckets.js";
import { eventsView } from "./events.js";
import { filesView } from "./files.js";
import { layoutView } from "./layout.js";
import { overviewView } from "./overview.js";
import { workloadView } from "./workload.js";

const titles: Readonly<Record<ViewName, string>> = {
  overview: "Overview",
  layout: "Layout",
  files: "Files",
  buckets: "Buckets",
  workload: "Workload",
  events: "Events",
};

/** Seen in a tab behind others, too. */
const titleSigns: Readonly<Record<ConditionLevel, string>> = { good: "", info: "", warning: "▲ ", error: "✕ " };

const builders: Readonly<Record<ViewName, () => HTMLElement>> = {
  overview: overviewView,
  layout: layoutView,
  files: filesView,
  buckets: bucketsView,
  workload: workloadView,
  events: eventsView,
};

export function appFrame(): HTMLElement {
  const view = computed(() => route.get().view);
  const isLost = computed(() => connection.get() === "lost" || cluster.get()?.connected === false);
  const main = h("main", { class: "main", id: "main", tabindex: -1 });
  main.append(slot(() => builders[view.get()]()));
  const level = computed(() => cluster.get()?.conditions[0]?.level);
  effect(() => {
    document.title = `${titleSigns[level.get() ?? "good"]}${titles[view.get()]} · QuorumFS`;
  });
  let first = true;
  effect(() => {
    view.get();
    // A new view is read from its beginning; the first one leaves the focus where browsers put it.
    if (!first) main.focus({ preventScroll: true });
    if (!first) scrollTo(0, 0);
    first = false;
  });
  return h(
    "div",
    { class: "app", "data-stale": () => isLost.get() },
    h(
      "a",
      {
        class: "skip",
        href: "#main",
        onclick: (event) => {
          event.preventDefault();
          main.focus();
        },
      },
      "Skip to the content",
    ),
    h(
      "div",
      { class: "side" },
      h("a", { class: "brand", href: linkTo("overview") }, mark(), "QuorumFS"),
      h(
        "nav",
        { class: "nav", "aria-label": "Views" },
        h(
          "ul",
          {},
          viewNames.map((name) =>
            h(
              "li",
              {},
              h(
                "a",
                { href: linkTo(name), "aria-current": () => (view.get() === name ? "page" : undefined) },
                icon(name),
                titles[name],
              ),
            ),
          ),
        ),
      ),
      h(
        "div",
        { class: "side-foot" },
        h("p", { class: "build" }, () => buildLine()),
        slot(() => logoutButton()),
        themeToggle(),
      ),
    ),
    h(
      "div",
      {},
      h(
        "div",
        { class: "head" },
        h(
          "header",
          { class: "top" },
          h("h1", {}, () => titles[view.get()]),
          h("p", { class: "status", role: "status" }, healthLine(), connectionWord()),
        ),
        slot(() => (isLost.get() ? lostBanner() : undefined)),
      ),
      main,
    ),
  );
}

function mark(): SVGSVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("rect", { class: "mark-ground", width: 32, height: 32, rx: 7 }),
    svg("circle", { class: "mark-node", cx: 10, cy: 20.5, r: 4 }),
    svg("circle", { class: "mark-node", cx: 22, cy: 20.5, r: 4 }),
    svg("path", { class: "mark-line", d: "M14 20.5h4M19 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0z" }),
  );
}

function buildLine(): string {
  const { clusterId, version } = cluster.get() ?? {};
  return [version && `version ${version}`, clusterId && `cluster ${clusterId.slice(0, 8)}`].filter(Boolean).join(" · ");
}

/** The worst of what there is to say, or that all is well; told again only when it is something else. */
function healthLine(): DocumentFragment {
  const level = computed(() => cluster.get()?.conditions[0]?.level);
  const text = computed(() => cluster.get()?.conditions[0]?.text ?? "");
  return slot(() => {
    const known = level.get();
    if (!known) return undefined;
    const tone = levelTone(known);
    return h(
      "span",
      { class: `state tone-${tone} health live` },
      shape(tone),
      h("span", { class: "health-text" }, () => text.get()),
    );
  });
}

function connectionWord(): HTMLElement {
  return h("span", { class: "tag" }, () => {
    switch (connection.get()) {
      case "connecting":
        return "connecting";
      case "live":
        return "live";
      case "lost":
        return "reconnecting";
    }
  });
}

function lostBanner(): HTMLElement {
  const since = (): string => {
    const at = heardAtMs.get();
    return at === undefined ? "Nothing is shown yet." : `What you see is of ${formatClock(at)} and grows old.`;
  };
  const who =
    connection.get() === "lost" ? "The console's server does not answer" : "The console does not reach the SuperNode";
  return h("div", { class: "banner", role: "alert" }, shape("warning"), h("span", {}, `${who}: trying again. `, since));
}

/** Only where there is something to log out of. */
function logoutButton(): HTMLElement | undefined {
  if (!about.get()?.tokenNeeded) return undefined;
  const logOut = async (): Promise<void> => {
    await api.logout().catch(() => undefined);
    loginNeeded.set(true);
  };
  return h("button", { class: "button plain", type: "button", onclick: () => void logOut() }, "Log out");
}
