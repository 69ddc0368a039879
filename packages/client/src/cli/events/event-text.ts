/** How events read for people. */
import type { EventSeverity } from "@quorumfs/core";
import type { ClusterEvent } from "../../event-info.js";
import type { Paint, Style } from "../paint.js";
import { printable, timeText } from "../wording.js";

// The longest kind and the longest severity, so that lines that come one by one stand below each other.
const kindChars = 19;
const severityChars = 7;

/** `2026-11-20 16:43:36Z  warning  node.suspected       node 2  node 2 has missed its heartbeats` */
export function eventLine(event: ClusterEvent, paint: Paint): string {
  const { at, kind, severity, node, message } = event;
  const style = severityStyle(severity);
  return [
    timeText(at),
    paint(style, severity.padEnd(severityChars)),
    paint(style, printable(kind).padEnd(kindChars)),
    nodeText(node),
    printable(message),
  ].join("  ");
}

/** The same in little room: `16:43:36Z  node.suspected       node 2  node 2 has missed its heartbeats` */
export function shortEventLine({ at, kind, severity, node, message }: ClusterEvent, paint: Paint): string {
  return [
    timeText(at).slice("2026-11-20 ".length),
    paint(severityStyle(severity), printable(kind).padEnd(kindChars)),
    nodeText(node),
    printable(message),
  ].join("  ");
}

function nodeText(node: number | undefined): string {
  return (node === undefined ? "" : `node ${node}`).padEnd("node 12".length);
}

export function severityStyle(severity: EventSeverity): Style | undefined {
  switch (severity) {
    case "error":
      return "red";
    case "warning":
      return "yellow";
    case "info":
      return undefined;
  }
}
