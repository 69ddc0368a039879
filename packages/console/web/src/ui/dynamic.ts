/** Parts of a page that come and go. */
import { effect, onEnd, type Signal, scope, signal, untracked } from "./reactive.js";

/** What `build` returns, built anew whenever a signal that `build` read changes: for parts that change rarely. */
export function slot(build: () => Element | undefined): DocumentFragment {
  const marker = document.createComment("");
  const fragment = document.createDocumentFragment();
  fragment.append(marker);
  let shown: Element | undefined;
  effect(() => {
    const next = build();
    shown?.remove();
    shown = next;
    if (next) marker.before(next);
  });
  return fragment;
}

interface Row<T> {
  readonly item: Signal<T>;
  readonly element: Element;
  readonly end: () => void;
}

/**
 * Fills `parent` with an element for each item, kept while its key is there, so that focus and scroll positions survive
 * updates.
 *
 * @param options.build gets a signal of the item, since the item of a key changes
 * @returns `parent`
 */
export function each<T, P extends Element>(options: {
  parent: P;
  items: () => readonly T[];
  key: (item: T) => string | number;
  build: (item: Signal<T>) => Element;
}): P {
  const { parent, items, key, build } = options;
  const rows = new Map<string | number, Row<T>>();
  effect(() => {
    const list = items();
    untracked(() => {
      dropRows(rows, new Set(list.map(key)));
      let place = parent.firstElementChild;
      for (const item of list) {
        const row = rows.get(key(item)) ?? newRow(item, build);
        rows.set(key(item), row);
        row.item.set(item);
        if (place === row.element) place = place.nextElementSibling;
        else parent.insertBefore(row.element, place);
      }
    });
  });
  onEnd(() => dropRows(rows, new Set()));
  return parent;
}

// A row lives as long as its key is there, not as one run of the effect that made it: nobody else owns its scope.
function newRow<T>(first: T, build: (item: Signal<T>) => Element): Row<T> {
  const item = signal(first);
  const made: Element[] = [];
  const end = scope(() => made.push(build(item)));
  const [element] = made;
  if (!element) throw new Error("a row without an element");
  return { item, element, end };
}

function dropRows<T>(rows: Map<string | number, Row<T>>, wanted: ReadonlySet<string | number>): void {
  for (const [id, row] of rows) {
    if (wanted.has(id)) continue;
    row.end();
    row.element.remove();
    rows.delete(id);
  }
}
