/** Where the traffic goes: buckets and files, in the last second. */
import type { BucketTraffic, HotFile } from "../../../../src/api.js";
import { linkTo } from "../../router.js";
import { latest } from "../../store.js";
import { each, slot } from "../../ui/dynamic.js";
import { formatShort } from "../../ui/format.js";
import { h } from "../../ui/h.js";

/** Further ones are hardly busy. */
const rowsMax = 6;

export function busiest(): HTMLElement {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "busiest" },
    h("header", {}, h("h2", { id: "busiest" }, "Busiest"), h("span", { class: "muted" }, "operations per second")),
    h(
      "div",
      { class: "stack live busiest" },
      table({
        name: "Buckets",
        columns: ["Bucket", "reads", "writes", "lists"],
        rows: () => (latest.get()?.buckets ?? []).slice(0, rowsMax),
        key: ({ bucket }) => bucket,
        cells: ({ bucket, readsPerSecond, writesPerSecond, listsPerSecond }: BucketTraffic) => ({
          link: { href: linkTo("files", bucket, ""), text: bucket },
          figures: [readsPerSecond, writesPerSecond, listsPerSecond],
        }),
      }),
      table({
        name: "Files",
        columns: ["File (estimate)", "reads", "writes"],
        rows: () => (latest.get()?.hotFiles ?? []).slice(0, rowsMax),
        key: ({ bucket, path }) => `${bucket}/${path}`,
        cells: ({ bucket, path, readsPerSecond, writesPerSecond }: HotFile) => ({
          link: { href: linkTo("files", bucket, ...path.split("/")), text: `${bucket}/${path}` },
          figures: [readsPerSecond, writesPerSecond],
        }),
      }),
    ),
  );
}

interface Cells {
  readonly link: { readonly href: string; readonly text: string };
  readonly figures: readonly number[];
}

function table<T>(options: {
  name: string;
  columns: readonly [string, ...string[]];
  rows: () => readonly T[];
  key: (row: T) => string;
  cells: (row: T) => Cells;
}): HTMLElement {
  const { name, columns, rows, key, cells } = options;
  const [first, ...others] = columns;
  const body = each({
    parent: h("tbody"),
    items: rows,
    key,
    build: (row) => {
      const { link, figures } = cells(row.peek());
      return h(
        "tr",
        {},
        h("td", { class: "break" }, h("a", { href: link.href }, link.text)),
        figures.map((_, index) =>
          h("td", { class: "number" }, () => formatShort(cells(row.get()).figures[index] ?? 0)),
        ),
      );
    },
  });
  return h(
    "div",
    {},
    h(
      "table",
      { "aria-label": `Busiest ${name.toLowerCase()}` },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, first),
          others.map((title) => h("th", { scope: "col", class: "number" }, title)),
        ),
      ),
      body,
    ),
    slot(() => (rows().length === 0 ? h("p", { class: "muted small quiet" }, "Quiet.") : undefined)),
  );
}
