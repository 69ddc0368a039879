/** The map, with what it is coloured by and whose partitions it shows. */
import type { PartitionView } from "../../../../src/api.js";
import { nthColour } from "../../charts/palette.js";
import { type CellLook, partitionMap } from "../../charts/partition-map.js";
import { cluster, layout } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import { plural } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { computed, signal } from "../../ui/reactive.js";
import { segmented } from "../../ui/segmented.js";
import { nodeLook, shape, stateBadge } from "../../ui/state.js";

type ColouredBy = "node" | "zone";

interface Group {
  readonly name: string;
  readonly label: string;
  readonly nodes: ReadonlySet<number>;
}

export function mapPanel(): HTMLElement {
  const colouredBy = signal<ColouredBy>("node");
  /** Of a group; undefined: all. */
  const only = signal<string | undefined>(undefined);
  const chosen = signal<number | undefined>(undefined);
  const groups = computed(() => (colouredBy.get() === "node" ? nodeGroups() : zoneGroups()));
  const down = computed(
    () => new Set((cluster.get()?.nodes ?? []).filter(({ state }) => state === "down").map(({ id }) => id)),
  );

  const look = (partition: PartitionView): CellLook => {
    const [first = 0] = partition.nodes;
    const all = groups.get();
    const index = all.findIndex(({ nodes }) => nodes.has(first));
    const wanted = all.find(({ name }) => name === only.get());
    const holders = [...partition.nodes, ...partition.joining];
    return {
      colour: nthColour(Math.max(0, index)),
      label: all[index]?.label ?? "?",
      dim: wanted !== undefined && !holders.some((node) => wanted.nodes.has(node)),
      moving: partition.joining.length > 0,
      impaired: partition.nodes.some((node) => down.get().has(node)),
    };
  };

  return h(
    "section",
    { class: "panel", "aria-labelledby": "map" },
    h("header", {}, h("h2", { id: "map" }, "Partitions"), h("span", { class: "muted" }, summary)),
    segmented({
      label: "Coloured by",
      value: colouredBy,
      choices: [
        { value: "node", label: "by node", title: "Coloured by the node that is asked first" },
        { value: "zone", label: "by zone", title: "Coloured by the zone of the node that is asked first" },
      ],
    }),
    each({
      parent: h("ul", { class: "map-legend", "aria-label": "Show only the partitions of" }),
      items: () => groups.get().map((group, index) => ({ ...group, index })),
      key: ({ name, index }) => `${name} ${index}`,
      build: (item) => {
        const { name, index } = item.peek();
        const isOnly = () => only.get() === name;
        return h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "map-key",
              "aria-pressed": () => String(isOnly()),
              onclick: () => only.set(isOnly() ? undefined : name),
            },
            h("span", { class: `swatch ${nthColour(index).slice(2)}`, "aria-hidden": "true" }, () => item.get().label),
            name,
            slot(() => groupState(item.get())),
          ),
        );
      },
    }),
    partitionMap({ layout: () => layout.get(), look, chosen, describe: describePartition }),
    h(
      "p",
      { class: "map-signs small second" },
      h("span", {}, h("i", { class: "sign stripes", "aria-hidden": "true" }), "striped: it moves"),
      h("span", {}, h("i", { class: "sign crossed", "aria-hidden": "true" }, "✕"), "crossed: a replica is down"),
    ),
    slot(() => partitionDetail(chosen.get())),
  );
}

function nodeGroups(): readonly Group[] {
  return (cluster.get()?.nodes ?? []).map(({ id }) => ({
    name: `Node ${id}`,
    label: String(id),
    nodes: new Set([id]),
  }));
}

function zoneGroups(): readonly Group[] {
  const zones = new Map<string, Set<number>>();
  for (const { id, zone } of cluster.get()?.nodes ?? []) {
    const nodes = zones.get(zone);
    if (nodes) nodes.add(id);
    else zones.set(zone, new Set([id]));
  }
  return [...zones]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([zone, nodes]) => ({ name: zone === "" ? "No zone" : `Zone ${zone}`, label: zone.slice(0, 2), nodes }));
}

/** Said where not all of a group is up. */
function groupState({ nodes }: Group): HTMLElement | undefined {
  const states = (cluster.get()?.nodes ?? []).filter(({ id }) => nodes.has(id)).map(({ state }) => state);
  const worst = (["down", "suspect"] as const).find((state) => states.includes(state));
  return worst && stateBadge(nodeLook(worst));
}

function summary(): string {
  const view = layout.get();
  if (!view || view.number === null) return "the cluster is forming";
  const moving = view.partitions.filter(({ joining }) => joining.length > 0).length;
  return `${plural(view.partitions.length, "partition")} on ${plural(view.replicas, "DataNode")} each; layout ${view.number}${moving === 0 ? "" : `; ${moving} moving`}`;
}

function describePartition(partition: number | undefined): string {
  const found = partition === undefined ? undefined : layout.get()?.partitions[partition];
  if (!found) return "";
  const moves = found.joining.length > 0 ? `; moves to nodes ${found.joining.join(", ")}` : "";
  return `Partition ${partition}: nodes ${found.nodes.map(nodeWords).join(", ")}${moves}`;
}

function nodeWords(id: number): string {
  const node = cluster.get()?.nodes.find((known) => known.id === id);
  if (!node) return String(id);
  return `${id}${node.zone === "" ? "" : ` in zone ${node.zone}`}${node.state === "up" ? "" : `, ${node.state}`}`;
}

function partitionDetail(partition: number | undefined): HTMLElement {
  const found = partition === undefined ? undefined : layout.get()?.partitions[partition];
  if (!found) {
    return h("p", { class: "partition-detail muted" }, "Point at a partition, or choose one with the arrow keys.");
  }
  return h(
    "div",
    { class: "partition-detail" },
    h("strong", {}, `Partition ${partition}`),
    found.nodes.map((id, index) => holder(id, index === 0 ? "asked first" : undefined)),
    found.joining.length > 0 && h("span", { class: "second" }, "moves to"),
    found.joining.map((id) => holder(id, found.nodes.includes(id) ? "stays" : "new")),
  );
}

function holder(id: number, note: string | undefined): HTMLElement {
  const node = cluster.get()?.nodes.find((known) => known.id === id);
  return h(
    "span",
    { class: "tag" },
    node && shape(nodeLook(node.state).tone),
    `node ${id}${node && node.zone !== "" ? ` · ${node.zone}` : ""}`,
    node && node.state !== "up" && ` · ${node.state}`,
    note !== undefined && ` · ${note}`,
  );
}
