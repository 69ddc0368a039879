/** One operation as it ran, for people: a line a step, with the time since its beginning and who tells. */
import type { OperationTrace, TraceStep } from "@quorumfs/core";
import { ballotText } from "./explain-text.js";
import { printable } from "./wording.js";

const timeWidth = 9;
const tellerWidth = 12;

export function traceText({ operationId, steps, leftOut }: OperationTrace): string {
  return [
    `request ${operationId}`,
    ...[...steps].sort((a, b) => a.atMs - b.atMs).map(lineOf),
    ...(leftOut === 0 ? [] : [`  and ${leftOut} ${leftOut === 1 ? "step" : "steps"} more`]),
  ].join("\n");
}

function lineOf(step: TraceStep): string {
  const { atMs, coordinator } = step;
  const time = `${atMs.toFixed(1)} ms`.padStart(timeWidth + 3);
  const teller = (coordinator === undefined ? "client" : `DataNode ${coordinator}`).padEnd(tellerWidth);
  return `${time}  ${teller}  ${printable(stepText(step))}`;
}

function stepText({ kind, node, tookMs, ballot, detail }: TraceStep): string {
  const at = node === undefined ? "" : ` ${node}`;
  const took = `${tookMs.toFixed(1)} ms`;
  const told = detail === "" ? "" : `: ${detail}`;
  switch (kind) {
    case "attempt":
      return `asks DataNode${at}${told}`;
    case "admitted":
      return "let in";
    case "queued":
      return `waited ${took} for its turn${detail === "" ? "" : `, ${detail}`}`;
    case "round":
      return `round of ${detail}${ballot ? `, ballot ${ballotText(ballot)}` : ""}`;
    case "asked":
      return `  asks replica${at}`;
    case "answered":
      return detail === ""
        ? `DataNode${at} answered after ${took}`
        : `  replica${at} after ${took}${told}${ballot ? `, ballot ${ballotText(ballot)}` : ""}`;
    case "nacked":
      return `  replica${at} after ${took} refuses${told}`;
    case "failed":
      return `  no answer that counts from${at} after ${took}${told}`;
    case "hedged":
      return `hedge${at}${told}`;
    case "waited":
      return `waits ${took}${detail === "" ? "" : ` ${detail}`}`;
    case "transfer":
      return `${detail}, in ${took}`;
    case "decided":
      return `${detail}, after ${took}`;
  }
}
