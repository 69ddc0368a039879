/** How values read in tables. Programs get exact ones by `-o json`. */
import { formatBytes } from "@quorumfs/runtime/lean";
import type { WallDate } from "../adapters/wall-date.js";
import type { FileInfo, VoteInfo } from "../file-info.js";

/** `2026-11-20 13:05:59Z`: in UTC, so that it means the same on every machine. */
export function timeText(time: WallDate): string {
  return `${time.toISOString().slice(0, 19).replace("T", " ")}Z`;
}

export function nodesText(nodes: readonly number[]): string {
  return nodes.length === 0 ? "none" : nodes.toSorted((a, b) => a - b).join(", ");
}

export function sizeText(bytes: number): string {
  return bytes < 1024 ? formatBytes(bytes) : `${formatBytes(bytes)} (${bytes} bytes)`;
}

/** Everything about a file, as a block. */
export function fileBlock(file: FileInfo & VoteInfo): string {
  const facts: [string, string][] = [
    ["version", String(file.version)],
    ["size", sizeText(file.size)],
    ["etag", file.etag],
    ["modified", timeText(file.modifiedAt)],
    ["acknowledged", `by DataNodes ${nodesText(file.acknowledged)} of ${nodesText(file.replicas)}`],
    ["durability", file.durability],
    ...Object.entries(file.attributes).map(([key, value]): [string, string] => [`attribute ${printable(key)}`, value]),
  ];
  return [printable(file.name), ...facts.map(([what, is]) => `  ${what.padEnd(13)} ${printable(is)}`)].join("\n");
}

/** The same as one line among many. */
export function fileLine(file: FileInfo & VoteInfo): string {
  const votes = `on ${nodesText(file.acknowledged)} of ${nodesText(file.replicas)}`;
  const facts = [`version ${file.version}`, formatBytes(file.size), votes, file.durability, file.etag];
  return `${printable(file.name)}  ${facts.join("  ")}`;
}

// Control characters, which only local names can have, and invisible marks that reorder or hide what stands beside them.
const misleading = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** A name that cannot confuse who reads it in a terminal. */
export function printable(text: string): string {
  return text.replace(misleading, escaped);
}

// What `painted` adds.
const style = /\x1b\[\d*m/y;

/**
 * The same for whole lines, with their ends and the colours that we gave them: a net below all that is shown, should one place
 * have forgotten {@link printable}.
 */
export function printableLines(text: string): string {
  return text.replace(misleading, (mark, index: number) => {
    style.lastIndex = index;
    return mark === "\n" || style.test(text) ? mark : escaped(mark);
  });
}

function escaped(mark: string): string {
  return `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
