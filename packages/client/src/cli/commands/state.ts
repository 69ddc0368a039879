import { formatBytes } from "@quorumfs/runtime/lean";
import type { FileState, StateSummary } from "../../cluster-info.js";
import { command } from "../command.js";
import { splitRemote } from "../remote-files.js";
import { nodesText, printable } from "../wording.js";

export const state = command({
  names: ["state"],
  operands: "[remote]",
  shape: "[BUCKET[/PREFIX]]",
  describe: "Show every file with its version and which DataNodes hold it",
  options: {
    node: { type: "number", describe: "Only what this DataNode holds", requiresArg: true },
  },
  examples: [
    ["$0 state", "The whole file system"],
    ["$0 state --node 2", "What DataNode 2 holds"],
    ["$0 state files/www/", "What is under a prefix"],
  ],
  async run({ operands: [target], values: { node } }, context) {
    const cluster = await context.cluster();
    const { bucket, rest } = target === undefined ? { bucket: undefined, rest: "" } : splitRemote(target);
    const query = cluster.state({
      signal: context.signal,
      prefix: rest,
      ...(bucket === undefined ? {} : { bucket }),
      ...(node === undefined ? {} : { node }),
    });
    const rows = context.printer.rows<FileState>({ line: lineOf, under: "files" });
    for await (const file of query) await rows.add(file);
    const { summary } = query;
    await rows.end(summary && { value: { summary }, text: summaryText(summary) });
  },
});

function lineOf({ name, version, size, holders, behind }: FileState): string {
  const late = behind.length === 0 ? "" : `  behind or damaged: ${nodesText(behind)}`;
  return `${formatBytes(size).padStart(10)}  ${`version ${version}`.padEnd(18)}  on ${nodesText(holders)}${late}  ${printable(name)}`;
}

function summaryText({ files, bytes, underReplicated, unreachable }: StateSummary): string {
  const copies =
    underReplicated === 0 ? "all with all their copies" : `${underReplicated} with fewer copies than there should be`;
  const missing =
    unreachable.length === 0
      ? ""
      : `; no answer from DataNodes ${nodesText(unreachable)}, so what only they hold is missing`;
  return `${files} files, ${formatBytes(bytes)}, ${copies}${missing}`;
}
