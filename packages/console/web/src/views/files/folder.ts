/** What a folder holds, and the way to put more into it. */
import type { FileEntry, FileView } from "../../../../src/api.js";
import { api, describeError } from "../../api.js";
import { linkTo } from "../../router.js";
import { checkbox } from "../../ui/checkbox.js";
import { each, slot } from "../../ui/dynamic.js";
import { formatBytes, formatCount, formatTime } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import { computed, effect, type Signal, signal, untracked } from "../../ui/reactive.js";
import { type Loaded, loaded } from "../../ui/loaded.js";
import { shape } from "../../ui/state.js";
import { toast } from "../../ui/toast.js";
import { deleteFile } from "./delete-file.js";
import { trail } from "./trail.js";
import { uploadList } from "./upload-list.js";
import { addUpload, storedCount } from "./uploads.js";

/** A screenful or two. */
const pageLimit = 100;
/** Of one request. */
const limitMax = 1000;

interface Place {
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

interface Listing {
  readonly entries: readonly FileEntry[];
  readonly nextAfter: string | null;
}

export function folderPage(place: Place): HTMLElement {
  const { bucket, prefix } = place;
  const ifAbsent = signal(false);
  const isTarget = signal(false);
  // As many as are shown already, so that an upload does not fold up what somebody has unfolded.
  const limit = (): number => Math.min(limitMax, Math.max(pageLimit, untracked(listing.value)?.entries.length ?? 0));
  const listing: Loaded<Listing> = loaded((abort) => api.files({ bucket, prefix, limit: limit() }, abort));
  const isThere = computed(() => listing.value() !== undefined);
  effect(() => {
    storedCount.get();
    listing.load();
  });
  const take = (files: Iterable<File>): void => {
    for (const content of files) {
      addUpload({ file: { bucket, path: prefix + content.name }, content, ifAbsent: ifAbsent.peek() });
    }
  };
  return h(
    "div",
    { class: "stack" },
    h(
      "section",
      {
        class: () => `panel drop-zone${isTarget.get() ? " target" : ""}`,
        "aria-label": "Folder",
        ondragover: (event) => {
          if (!event.dataTransfer?.types.includes("Files")) return;
          event.preventDefault();
          isTarget.set(true);
        },
        ondragleave: (event) => {
          if (!(event.relatedTarget instanceof Node) || !isInside(event.currentTarget, event.relatedTarget))
            isTarget.set(false);
        },
        ondrop: (event) => {
          event.preventDefault();
          isTarget.set(false);
          take(event.dataTransfer?.files ?? []);
        },
      },
      h("header", {}, trail(bucket, prefix), h("div", { class: "row end" }, ...uploadControls(ifAbsent, take))),
      slot(() => {
        if (listing.fault() !== "") return faultNote(listing.fault(), listing.load);
        if (!isThere.get()) return h("p", { class: "muted", role: "status" }, "Asking for the files …");
        return entryTable(place, listing);
      }),
    ),
    uploadList(),
  );
}

function isInside(outer: EventTarget | null, inner: Node): boolean {
  return outer instanceof Node && outer.contains(inner);
}

function uploadControls(ifAbsent: Signal<boolean>, take: (files: Iterable<File>) => void): readonly Node[] {
  const input: HTMLInputElement = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    tabindex: -1,
    "aria-hidden": "true",
    onchange: () => {
      take([...(input.files ?? [])]);
      input.value = "";
    },
  });
  return [
    checkbox({
      label: "Only new names",
      value: ifAbsent,
      title: "An upload fails if there is a file of its name already",
    }),
    input,
    h("button", { type: "button", class: "button primary", onclick: () => input.click() }, icon("upload"), "Upload"),
  ];
}

function faultNote(fault: string, again: () => void): HTMLElement {
  return h(
    "div",
    { class: "note tone-error", role: "alert" },
    shape("error"),
    h("span", {}, fault),
    h("button", { type: "button", class: "button", onclick: again }, "Try again"),
  );
}

function entryTable(place: Place, listing: Loaded<Listing>): HTMLElement {
  const entries = () => listing.value()?.entries ?? [];
  const more = async (): Promise<void> => {
    const known = listing.value();
    if (!known?.nextAfter) return;
    try {
      const page = await api.files({ ...place, after: known.nextAfter, limit: pageLimit });
      listing.set({ entries: [...known.entries, ...page.entries], nextAfter: page.nextAfter });
    } catch (error) {
      toast("error", describeError(error));
    }
  };
  return h(
    "div",
    {},
    h(
      "table",
      { class: "files" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Name"),
          h("th", { scope: "col", class: "number" }, "Size"),
          h("th", { scope: "col", class: "number wide-only" }, "Version"),
          h("th", { scope: "col", class: "wide-only" }, "Modified"),
          h("th", { scope: "col" }, h("span", { class: "heard" }, "Actions")),
        ),
      ),
      each({
        parent: h("tbody"),
        items: entries,
        key: (entry) => (entry.kind === "file" ? `${entry.path} ${entry.version}` : entry.path),
        build: (entry) => entryRow(place, entry.peek(), listing.load),
      }),
    ),
    slot(() =>
      entries().length === 0
        ? h("p", { class: "empty" }, icon("upload"), "Nothing is here yet. Drop files here, or use Upload.")
        : undefined,
    ),
    slot(() =>
      listing.value()?.nextAfter
        ? h(
            "p",
            { class: "row more" },
            h("button", { type: "button", class: "button", onclick: () => void more() }, "Load more"),
            h("span", { class: "muted small" }, () => `${formatCount(entries().length)} shown`),
          )
        : undefined,
    ),
  );
}

function entryRow({ bucket, prefix }: Place, entry: FileEntry, reload: () => void): HTMLElement {
  const name = entry.path.slice(prefix.length);
  const href = linkTo("files", bucket, ...entry.path.split("/"));
  if (entry.kind === "directory") {
    return h(
      "tr",
      {},
      h("td", { class: "name" }, h("a", { href }, icon("folder"), h("span", { class: "break" }, name))),
      h("td"),
      h("td", { class: "wide-only" }),
      h("td", { class: "wide-only" }),
      h("td"),
    );
  }
  return h(
    "tr",
    {},
    h("td", { class: "name" }, h("a", { href }, icon("file"), h("span", { class: "break" }, name))),
    h("td", { class: "number" }, formatBytes(entry.size)),
    h("td", { class: "number wide-only" }, formatCount(entry.version)),
    h("td", { class: "wide-only nowrap" }, formatTime(entry.modifiedAtMs)),
    h("td", { class: "number actions" }, ...actions(bucket, entry, reload)),
  );
}

function actions(bucket: string, { path, version }: FileView, reload: () => void): readonly Node[] {
  const file = { bucket, path };
  return [
    h(
      "a",
      {
        class: "button plain only-icon",
        href: api.contentUrl(file),
        download: "",
        "aria-label": `Download ${path}`,
        title: "Download",
      },
      icon("download"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "button plain only-icon",
        "aria-label": `Delete ${path}`,
        title: "Delete",
        onclick: () =>
          void deleteFile(file, version).then((gone) => {
            if (gone) reload();
          }),
      },
      icon("trash"),
    ),
  ];
}
