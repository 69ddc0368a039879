/** Asks before something that cannot be undone. */
import { type Child, h } from "./h.js";

/** @returns whether to go on. Escape and "Cancel", which has the focus first, say no. */
export function confirm(options: { title: string; text: Child; action: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "confirm-title" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "confirm-title" }, options.title),
        h("p", { class: "break" }, options.text),
        h(
          "div",
          { class: "row" },
          h("button", { class: "button end", value: "no", autofocus: true }, "Cancel"),
          h("button", { class: "button danger", value: "yes" }, options.action),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
