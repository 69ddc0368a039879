/** One file: what is known of it, and the vote on it. */
import type { FileStat } from "../../../../src/api.js";
import { api, type FileName, RequestError } from "../../api.js";
import { linkTo } from "../../router.js";
import { slot } from "../../ui/dynamic.js";
import { enumerate, formatBytes, formatCount, formatTime } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import { loaded } from "../../ui/loaded.js";
import { shape } from "../../ui/state.js";
import { deleteFile } from "./delete-file.js";
import { explainPanel } from "./explain.js";
import { trail } from "./trail.js";

/** What is shown when there is no such file. */
const absent = { isAbsent: true } as const;

export function filePage(file: FileName): HTMLElement {
  const stat = loaded<FileStat | typeof absent>(async (abort) => {
    try {
      return await api.stat(file, abort);
    } catch (error) {
      if (error instanceof RequestError && error.error?.code === "not_found") return absent;
      throw error;
    }
  });
  stat.load();
  return h(
    "div",
    { class: "stack" },
    h(
      "section",
      { class: "panel", "aria-label": "File" },
      h("header", {}, trail(file.bucket, file.path)),
      slot(() => {
        if (stat.fault() !== "")
          return h("p", { class: "note tone-error", role: "alert" }, shape("error"), stat.fault());
        const known = stat.value();
        if (!known) return h("p", { class: "muted", role: "status" }, "Asking for the file …");
        if ("isAbsent" in known)
          return h("p", { class: "note" }, shape("info"), "There is no such file, or it was deleted.");
        return facts(known);
      }),
    ),
    explainPanel(file),
  );
}

function facts({ bucket, file, attributes, vote }: FileStat): HTMLElement {
  const name = { bucket, path: file.path };
  const folder = file.path.split("/").slice(0, -1);
  const remove = async (): Promise<void> => {
    if (await deleteFile(name, file.version)) location.hash = linkTo("files", bucket, ...folder, "");
  };
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "row" },
      h("a", { class: "button primary", href: api.contentUrl(name), download: "" }, icon("download"), "Download"),
      h("button", { type: "button", class: "button danger", onclick: () => void remove() }, icon("trash"), "Delete"),
    ),
    h(
      "dl",
      { class: "facts" },
      fact("Size", `${formatBytes(file.size)}${file.size >= 1024 ? ` (${formatCount(file.size)} bytes)` : ""}`),
      fact("Version", formatCount(file.version)),
      fact("Modified", formatTime(file.modifiedAtMs)),
      fact("SHA-256", h("code", {}, file.etag)),
      fact(
        "Known by",
        `nodes ${enumerate(inOrder(vote.acknowledged))} of ${enumerate(inOrder(vote.replicas))}, ` +
          (vote.durability === "fsync" ? "on their disks" : "in their memory"),
      ),
      Object.entries(attributes).map(([key, value]) => fact(key, value)),
    ),
  );
}

function inOrder(ids: readonly number[]): readonly number[] {
  return [...ids].sort((a, b) => a - b);
}

function fact(name: string, value: string | Node): readonly Node[] {
  return [h("dt", {}, name), h("dd", {}, value)];
}
