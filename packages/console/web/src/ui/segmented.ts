/** One of few, side by side: radio buttons, so that arrow keys and screen readers know them. */
import { type Child, h } from "./h.js";
import type { Signal } from "./reactive.js";

export interface Choice<T extends string | number> {
  readonly value: T;
  readonly label: Child;
  /** Read aloud, and shown by the pointer, in place of a label that is short. */
  readonly title?: string;
}

let groups = 0;

export function segmented<T extends string | number>(options: {
  label: string;
  choices: readonly Choice<T>[];
  value: Signal<T>;
  /** Show the label, too. */
  labelled?: boolean;
}): HTMLFieldSetElement {
  groups += 1;
  const name = `choice-${groups}`;
  const { label, choices, value, labelled } = options;
  return h(
    "fieldset",
    { class: "field" },
    h("legend", { class: labelled ? undefined : "heard" }, label),
    h(
      "div",
      { class: "segmented" },
      choices.map((choice) =>
        h(
          "label",
          { title: choice.title },
          h("input", {
            type: "radio",
            name,
            value: choice.value,
            checked: () => value.get() === choice.value,
            "aria-label": choice.title,
            onchange: () => value.set(choice.value),
          }),
          choice.label,
        ),
      ),
    ),
  );
}
