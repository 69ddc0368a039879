import { QuorumError } from "@quorumfs/core";
import type { Settings } from "@quorumfs/runtime/lean";
import type { InferredOptionTypes } from "yargs";
import type { NodeChange } from "../../layout-info.js";

/** What a change of the layout is made of, on the command line. */
export const changeFlags = {
  drain: {
    type: "number",
    array: true,
    describe: "DataNode that is to give its files away, and stay; repeatable, as are the others",
    requiresArg: true,
  },
  activate: {
    type: "number",
    array: true,
    describe: "Drained DataNode that is to have its share again",
    requiresArg: true,
  },
  remove: {
    type: "number",
    array: true,
    describe: "DataNode that is to give its files away, and leave",
    requiresArg: true,
  },
  lost: {
    type: "number",
    array: true,
    describe: "DataNode that never runs again, neither its process nor its disk",
    requiresArg: true,
  },
  replace: {
    type: "string",
    array: true,
    describe: "OLD:NEW: DataNode NEW takes over all that OLD holds, and OLD leaves",
    requiresArg: true,
  },
} satisfies Settings;

/** @throws QuorumError `invalid_argument` */
export function changesOf(values: InferredOptionTypes<typeof changeFlags>): readonly NodeChange[] {
  const { drain = [], activate = [], remove = [], lost = [], replace = [] } = values;
  const replacements = replace.map((text) => {
    const [, old = "", replacement = ""] = /^(\d+):(\d+)$/.exec(text) ?? [];
    if (old === "") throw invalid(`--replace is written OLD:NEW, two ids of DataNodes; got ${JSON.stringify(text)}`);
    return { node: nodeId(old), replacedBy: nodeId(replacement) };
  });
  // Lost and replaced: the one says how it left, the other who takes over.
  const lostOnly = lost.filter((id) => !replacements.some(({ node }) => node === nodeId(id)));
  return onlyOnce([
    ...drain.map((id) => ({ node: nodeId(id), role: "draining" as const })),
    ...activate.map((id) => ({ node: nodeId(id), role: "active" as const })),
    ...remove.map((id) => ({ node: nodeId(id), role: "leaving" as const })),
    ...lostOnly.map((id) => ({ node: nodeId(id), role: "lost" as const })),
    ...replacements.map(({ node, replacedBy }) => ({
      node,
      role: lost.includes(node) ? ("lost" as const) : ("leaving" as const),
      replacedBy,
    })),
  ]);
}

function onlyOnce(changes: readonly NodeChange[]): readonly NodeChange[] {
  const seen = new Set<number>();
  for (const { node } of changes) {
    if (seen.has(node)) throw invalid(`say one thing of node ${node}, not two`);
    seen.add(node);
  }
  return changes;
}

/** @throws QuorumError `invalid_argument` */
export function nodeId(text: string | number): number {
  const id = Number(text);
  if (Number.isInteger(id) && id >= 1 && id <= 0xffff_ffff) return id;
  throw invalid(`${JSON.stringify(text)} is no id of a DataNode; they are whole numbers, see quorumfs node list`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
