/** The DataNodes by zone: state, load, and their last minutes in small charts on one scale. */
import type { LiveSample, NodeRole, NodeSample, NodeView } from "../../../../src/api.js";
import { sparkline } from "../../charts/sparkline.js";
import { roundUp } from "../../charts/scale.js";
import { cluster, samples } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatPercent,
  formatShort,
  noFigure,
  plural,
} from "../../ui/format.js";
import { type Child, h } from "../../ui/h.js";
import { type Computed, computed, type Signal } from "../../ui/reactive.js";
import { nodeLook, stateBadge } from "../../ui/state.js";

const headings = [
  "Node",
  "State",
  "Operations/s",
  "p99",
  "CPU, loop delay",
  "Memory, in flight",
  "Disk",
  "Files",
  "Replication",
] as const;

export function nodeTable(seconds: Signal<number>): HTMLElement {
  const visible = computed(() => {
    const all = samples.get();
    const sinceMs = (all.at(-1)?.atMs ?? 0) - seconds.get() * 1000;
    return all.filter(({ atMs }) => atMs >= sinceMs);
  });
  const operationsMax = computed(() => largest(visible.get(), ({ traffic }) => traffic?.answeredPerSecond ?? 0));
  const latencyMax = computed(() => largest(visible.get(), ({ traffic }) => traffic?.p99Ms ?? 0));
  const body = each({
    parent: h("tbody"),
    items: () => byZone(cluster.get()?.nodes ?? []),
    key: ({ id }) => id,
    build: (node) => nodeRow({ node, visible, seconds, operationsMax, latencyMax }),
  });
  return h(
    "section",
    { class: "panel", "aria-labelledby": "nodes" },
    h(
      "header",
      {},
      h("h2", { id: "nodes" }, "DataNodes"),
      h("span", { class: "muted" }, () => zoneSummary(cluster.get()?.nodes ?? [])),
    ),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "group", "aria-label": "DataNodes, table" },
      h(
        "table",
        { class: "nodes cards live" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            headings.map((heading) => h("th", { scope: "col" }, heading)),
          ),
        ),
        body,
      ),
    ),
  );
}

function byZone(nodes: readonly NodeView[]): readonly NodeView[] {
  return [...nodes].sort((a, b) => (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : a.id - b.id));
}

function zoneSummary(nodes: readonly NodeView[]): string {
  const zones = new Map<string, number>();
  for (const { zone } of nodes) zones.set(zone, (zones.get(zone) ?? 0) + 1);
  if (nodes.length === 0) return "none has joined yet";
  return [...zones].map(([zone, count]) => `${zone === "" ? "no zone" : `zone ${zone}`}: ${count}`).join(" · ");
}

function largest(visible: readonly LiveSample[], read: (node: NodeSample) => number): number {
  let max = 0;
  for (const { nodes } of visible) for (const node of nodes) max = Math.max(max, read(node));
  return roundUp(max);
}

const indexes = new WeakMap<LiveSample, ReadonlyMap<number, NodeSample>>();

/** A sample's nodes by id; each is looked up in every small chart, each second. */
function byNode(sample: LiveSample): ReadonlyMap<number, NodeSample> {
  const known = indexes.get(sample) ?? new Map(sample.nodes.map((node) => [node.node, node]));
  indexes.set(sample, known);
  return known;
}

function nodeRow(options: {
  node: Signal<NodeView>;
  visible: Computed<readonly LiveSample[]>;
  seconds: Signal<number>;
  operationsMax: Computed<number>;
  latencyMax: Computed<number>;
}): HTMLTableRowElement {
  const { node, visible, seconds, operationsMax, latencyMax } = options;
  const { id } = node.peek();
  const ofNode = (sample: LiveSample): NodeSample | undefined => byNode(sample).get(id);
  const now = () => {
    const last = visible.get().at(-1);
    return last && ofNode(last);
  };
  const load = () => node.get().load;
  const state = computed(() => node.get().state);
  const role = computed(() => node.get().role);
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h(
        "div",
        {},
        `Node ${id}`,
        slot(() => roleTag(role.get())),
      ),
      h("div", { class: "muted small address", title: () => `version ${node.get().version}` }, () =>
        nodeLine(node.get()),
      ),
    ),
    cell(
      "State",
      slot(() => stateBadge(nodeLook(state.get()))),
      h("div", { class: "muted small" }, () => since(node.get())),
    ),
    cell(
      "Operations/s",
      h("span", {}, () => short(now()?.traffic?.answeredPerSecond)),
      sparkline({
        samples: () => visible.get(),
        seconds,
        max: () => operationsMax.get(),
        colour: "--series-1",
        value: (sample) => ofNode(sample)?.traffic?.answeredPerSecond ?? null,
      }),
    ),
    cell(
      "p99",
      h("span", {}, () => formatMs(now()?.traffic?.p99Ms ?? undefined)),
      sparkline({
        samples: () => visible.get(),
        seconds,
        max: () => latencyMax.get(),
        colour: "--series-4",
        value: (sample) => ofNode(sample)?.traffic?.p99Ms ?? null,
      }),
    ),
    cell(
      "CPU, loop delay",
      h("div", {}, () => percent(load()?.cpuFraction)),
      h("div", { class: "muted small" }, () => (load() ? formatMs(load()?.eventLoopDelayMs) : "")),
    ),
    cell(
      "Memory, in flight",
      h("div", {}, () => bytes(load()?.residentBytes)),
      h("div", { class: "muted small" }, () => (load() ? `${short(load()?.inFlight)} in flight` : "")),
    ),
    cell("Disk", disk(node)),
    cell(
      "Files",
      h("div", {}, () => count(load()?.records)),
      h("div", { class: "muted small" }, () => chunkLine(node.get())),
    ),
    cell(
      "Replication",
      h("div", {}, () => replicationLine(node.get())),
    ),
  );
}

/** Narrow windows show the column's name in each cell. */
function cell(column: (typeof headings)[number], ...children: readonly Child[]): HTMLTableCellElement {
  return h("td", { "data-label": column, class: `node-${column.split(/[ ,/]/)[0]?.toLowerCase() ?? ""}` }, ...children);
}

function nodeLine({ zone, address }: NodeView): string {
  return zone === "" ? address : `${zone} · ${address}`;
}

function roleTag(role: NodeRole): HTMLElement | undefined {
  return role === "active" ? undefined : h("span", { class: "tag tone-warning" }, role);
}

/** How long it has been away. */
function since({ state, stateSinceMs }: NodeView): string {
  const nowMs = cluster.get()?.atMs;
  if (state === "up" || nowMs === undefined) return "";
  return `for ${formatDuration(Math.max(0, Math.round((nowMs - stateSinceMs) / 1000) * 1000))}`;
}

function disk(node: Signal<NodeView>): HTMLElement {
  const used = () => node.get().load?.diskUsedBytes ?? 0;
  const free = () => node.get().load?.diskFreeBytes ?? 0;
  const total = () => used() + free();
  const isFull = computed(() => node.get().load?.full === true);
  return h(
    "div",
    { class: "disk-use" },
    h("meter", {
      min: 0,
      max: () => Math.max(1, total()),
      value: used,
      high: () => 0.85 * total(),
      optimum: 0,
      "aria-label": () => `${formatBytes(used())} used, ${formatBytes(free())} free`,
    }),
    h("div", { class: "small nowrap" }, () => (node.get().load ? `${formatBytes(free())} free` : noFigure)),
    slot(() => (isFull.get() ? h("span", { class: "tag tone-warning" }, "full") : undefined)),
  );
}

function chunkLine({ load }: NodeView): string {
  if (!load || load.chunks === 0) return "";
  return plural(load.chunks, "chunk");
}

function replicationLine({ sync, load }: NodeView): string {
  const damaged = load && load.damaged > 0 ? `${formatCount(load.damaged)} damaged; ` : "";
  if (!sync) return damaged === "" ? noFigure : damaged;
  return damaged + syncWords(sync);
}

function syncWords(sync: NonNullable<NodeView["sync"]>): string {
  const moves = [
    sync.joiningPartitions > 0 ? `takes over ${plural(sync.joiningPartitions, "partition")}` : "",
    sync.leavingPartitions > 0 ? `gives up ${plural(sync.leavingPartitions, "partition")}` : "",
    sync.obstacle ?? "",
  ].filter((part) => part !== "");
  switch (sync.state) {
    case "in_sync":
      return ["in sync", ...moves].join("; ");
    case "comparing":
      return ["comparing", ...moves].join("; ");
    case "catching_up": {
      const remaining = sync.remainingMs === null ? "" : `, ${formatDuration(sync.remainingMs)} left`;
      const chunks = sync.behindChunks > 0 ? ` and ${plural(sync.behindChunks, "chunk")}` : "";
      return [`${plural(sync.behindRecords, "file")}${chunks} behind${remaining}`, ...moves].join("; ");
    }
  }
}

function short(value: number | undefined): string {
  return value === undefined ? noFigure : formatShort(value);
}

function percent(value: number | undefined): string {
  return value === undefined ? noFigure : formatPercent(value);
}

function bytes(value: number | undefined): string {
  return value === undefined ? noFigure : formatBytes(value);
}

function count(value: number | undefined): string {
  return value === undefined ? noFigure : formatCount(value);
}
