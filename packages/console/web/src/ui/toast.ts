/** Short messages about what somebody has just done, read aloud as well. */
import { h } from "./h.js";
import { icon } from "./icons.js";
import { shape, type Tone } from "./state.js";

/** Good news goes by itself; what went wrong stays until it is put away. */
const shownMs = 5_000;

/** More would cover the page; the oldest goes. */
const toastsMax = 4;

const container = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

export function toastRegion(): HTMLElement {
  return container;
}

export function toast(tone: Tone, message: string): void {
  const close = (): void => element.remove();
  const element: HTMLDivElement = h(
    "div",
    { class: "toast" },
    shape(tone),
    h("p", {}, message),
    h(
      "button",
      { class: "button plain only-icon", type: "button", "aria-label": "Put away", onclick: close },
      icon("close"),
    ),
  );
  container.append(element);
  while (container.childElementCount > toastsMax) container.firstElementChild?.remove();
  if (tone === "good" || tone === "info") setTimeout(close, shownMs);
}
