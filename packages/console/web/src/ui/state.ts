/** States and severities: always a shape and a word, the colour only says it again. */
import type { ConditionLevel, NodeState, Severity } from "../../../src/api.js";
import { h, svg } from "./h.js";

export type Tone = "good" | "info" | "warning" | "error";

export interface StateLook {
  readonly tone: Tone;
  readonly word: string;
}

const nodeLooks: Readonly<Record<NodeState, StateLook>> = {
  up: { tone: "good", word: "up" },
  suspect: { tone: "warning", word: "suspect" },
  down: { tone: "error", word: "down" },
};

export function nodeLook(state: NodeState): StateLook {
  return nodeLooks[state];
}

/** A disc for good, a ring for what is merely said, a triangle for a warning, a cross for an error. */
export function shape(tone: Tone): SVGSVGElement {
  const box = svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true", class: `tone-${tone}` });
  box.append(shapeOf(tone));
  return box;
}

function shapeOf(tone: Tone): SVGElement {
  switch (tone) {
    case "good":
      return svg("circle", { class: "shape", cx: 6, cy: 6, r: 4 });
    case "info":
      return svg("circle", { class: "shape open", cx: 6, cy: 6, r: 4 });
    case "warning":
      return svg("path", { class: "shape", d: "M6 2 11 10.5H1z" });
    case "error":
      return svg("path", { class: "shape open", d: "M2.5 2.5l7 7M9.5 2.5l-7 7" });
  }
}

export function stateBadge(look: StateLook): HTMLSpanElement {
  return h("span", { class: `state tone-${look.tone}` }, shape(look.tone), look.word);
}

const severityTones: Readonly<Record<Severity, Tone>> = { info: "info", warning: "warning", error: "error" };

export function severityTone(severity: Severity): Tone {
  return severityTones[severity];
}

const levelTones: Readonly<Record<ConditionLevel, Tone>> = {
  good: "good",
  info: "info",
  warning: "warning",
  error: "error",
};

export function levelTone(level: ConditionLevel): Tone {
  return levelTones[level];
}
