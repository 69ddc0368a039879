/** Yes or no. */
import { h } from "./h.js";
import type { Signal } from "./reactive.js";

export function checkbox(options: { label: string; value: Signal<boolean>; title?: string }): HTMLLabelElement {
  const { label, value, title } = options;
  const box: HTMLInputElement = h("input", {
    type: "checkbox",
    checked: () => value.get(),
    onchange: () => value.set(box.checked),
  });
  return h("label", { class: "check", title }, box, label);
}
