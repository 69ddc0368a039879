/** How far the uploads are. */
import { linkTo } from "../../router.js";
import { each, slot } from "../../ui/dynamic.js";
import { formatBytes, formatPercent } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";
import { computed, type Signal } from "../../ui/reactive.js";
import { stateBadge, type StateLook } from "../../ui/state.js";
import { clearEndedUploads, hasEnded, uploads, type UploadState, type UploadTask } from "./uploads.js";

const looks: Readonly<Record<UploadState, StateLook>> = {
  waiting: { tone: "info", word: "waiting" },
  sending: { tone: "info", word: "sending" },
  voting: { tone: "info", word: "being voted on" },
  stored: { tone: "good", word: "stored" },
  failed: { tone: "error", word: "failed" },
  cancelled: { tone: "warning", word: "cancelled" },
};

export function uploadList(): HTMLElement {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "uploads", hidden: () => uploads.get().length === 0 },
    h(
      "header",
      {},
      h("h2", { id: "uploads" }, "Uploads"),
      h("button", { type: "button", class: "button plain end", onclick: clearEndedUploads }, "Clear ended"),
    ),
    each({ parent: h("ul", { class: "uploads" }), items: () => uploads.get(), key: ({ id }) => id, build: uploadRow }),
  );
}

function uploadRow(item: Signal<UploadTask>): HTMLElement {
  const { file, size, state, sentBytes, outcome, cancel } = item.peek();
  const fraction = () => (size === 0 ? 1 : Math.min(1, sentBytes.get() / size));
  const ended = computed(() => hasEnded(state.get()));
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row" },
      h("a", { class: "break", href: linkTo("files", file.bucket, ...file.path.split("/")) }, file.path),
      h("span", { class: "muted small nowrap" }, formatBytes(size)),
      h(
        "span",
        { class: "end", role: "status" },
        slot(() => stateBadge(looks[state.get()])),
      ),
      slot(() =>
        ended.get()
          ? undefined
          : h(
              "button",
              {
                type: "button",
                class: "button plain only-icon",
                "aria-label": `Cancel the upload of ${file.path}`,
                onclick: cancel,
              },
              icon("close"),
            ),
      ),
    ),
    h("progress", { max: 1, value: fraction, "aria-label": () => `${formatPercent(fraction())} of ${file.path}` }),
    h("p", { class: () => `small break ${state.get() === "failed" ? "tone-error" : "muted"}` }, () => outcome.get()),
  );
}
