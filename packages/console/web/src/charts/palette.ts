/** The style sheet's colours for what is painted on a canvas, as they are in the present theme. */
import { untracked } from "../ui/reactive.js";
import { themeChanges } from "../ui/theme.js";

export const seriesColours = [
  "--series-1",
  "--series-2",
  "--series-3",
  "--series-4",
  "--series-5",
  "--series-6",
  "--series-7",
  "--series-8",
] as const;

export type Colour =
  | (typeof seriesColours)[number]
  | "--text"
  | "--text-2"
  | "--text-3"
  | "--line"
  | "--line-strong"
  | "--surface"
  | "--surface-3"
  | "--accent"
  | "--good"
  | "--warning"
  | "--error";

const known = new Map<Colour, string>();
let knownOf = -1;

/** @returns a colour as canvases take it */
export function colour(name: Colour): string {
  const theme = untracked(() => themeChanges.get());
  if (theme !== knownOf) {
    known.clear();
    knownOf = theme;
  }
  let value = known.get(name);
  if (value === undefined) {
    value = resolve(name);
    known.set(name, value);
  }
  return value;
}

// A custom property's own value is text, like `light-dark(...)`; a real property has the colour that it comes to.
function resolve(name: Colour): string {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** The same colour, let through. */
export function faded(name: Colour, alpha: number): string {
  return colour(name)
    .replace(/^rgb\(/, "rgba(")
    .replace(/\)$/, `, ${alpha})`);
}

/** Colour of the nth of many things that are alike: nodes, zones. */
export function nthColour(index: number): (typeof seriesColours)[number] {
  return seriesColours[index % seriesColours.length] ?? "--series-1";
}
