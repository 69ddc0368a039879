import { formatBytes } from "@quorumfs/runtime";
import type { NodeInfo } from "../../cluster-info.js";
import { command, group } from "../command.js";
import { operationOptions } from "../context.js";
import { tableText } from "../table.js";
import { timeText } from "../wording.js";

const list = command({
  names: ["list", "ls"],
  operands: "",
  shape: "",
  describe: "List the DataNodes with their state and load",
  options: {},
  examples: [["$0 node list", "All DataNodes"]],
  async run(_input, context) {
    const cluster = await context.cluster();
    const nodes = await cluster.nodes(operationOptions(context));
    if (context.printer.format === "table") return context.printer.one({}, nodeTable(nodes));
    const rows = context.printer.rows<NodeInfo>({ line: () => "" });
    for (const node of nodes) await rows.add(node);
    await rows.end();
  },
});

export function nodeTable(nodes: readonly NodeInfo[]): string {
  if (nodes.length === 0) return "no DataNodes have joined";
  return tableText(
    ["NODE", "ADDRESS", "ZONE", "STATE", "SINCE", "RECORDS", "OPS/S", "CPU", "LAG", "MEMORY", "DISK FREE"],
    nodes.map((node) => [
      node.id,
      node.address,
      node.zone || "-",
      node.state,
      timeText(node.stateSince),
      ...loadCells(node),
    ]),
  );
}

function loadCells({ load, state }: NodeInfo): readonly string[] {
  // The last word of a node that is gone says nothing about now.
  if (!load || state === "down") return ["-", "-", "-", "-", "-", "-"];
  return [
    String(load.records),
    load.operationsPerSecond.toFixed(0),
    `${(load.cpuFraction * 100).toFixed(0)} %`,
    `${load.eventLoopDelayMs.toFixed(1)} ms`,
    formatBytes(load.residentBytes),
    formatBytes(load.diskFreeBytes),
  ];
}

export const node = group({ name: "node", describe: "Show the DataNodes", commands: [list] });
