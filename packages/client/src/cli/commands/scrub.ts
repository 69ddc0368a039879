import { QuorumError } from "@quorumfs/core";
import { formatBytes, parseBytes } from "@quorumfs/runtime/lean";
import type { DamageInfo, NodeScrub, ScrubInfo } from "../../cluster-info.js";
import { command, group } from "../command.js";
import { type Context, operationOptions } from "../context.js";
import { durationText } from "../progress-line.js";
import { tableText } from "../table.js";
import { Reported } from "../transfers.js";
import { timeText } from "../wording.js";

const nodeOption = {
  node: {
    type: "number",
    array: true,
    describe: "Only this DataNode; repeatable",
    requiresArg: true,
  },
} as const;

const start = command({
  names: ["start"],
  operands: "",
  shape: "",
  describe: "Begin to check all that DataNodes store, or go on where a pause was made",
  options: {
    ...nodeOption,
    rate: {
      type: "string",
      describe: "Bytes per second on each node, like 50MiB; else a pass takes the configured period (14 days)",
      requiresArg: true,
    },
    restart: { type: "boolean", default: false, describe: "Begin anew, even if a pass is under way" },
  },
  examples: [
    ["$0 scrub start", "All nodes, at their usual rate"],
    ["$0 scrub start --node 2 --rate 200MiB", "One node, soon"],
  ],
  async run({ values: { node, rate, restart } }, context) {
    const cluster = await context.cluster();
    const options = { ...operationOptions(context), ...nodesOf(node), restart };
    await show(
      context,
      await cluster.scrub.start(rate === undefined ? options : { ...options, bytesPerSecond: rateOf(rate) }),
    );
  },
});

const pause = command({
  names: ["pause"],
  operands: "",
  shape: "",
  describe: "Hold the check, also over restarts, until the next scrub start",
  options: nodeOption,
  examples: [["$0 scrub pause", "On all nodes"]],
  async run({ values: { node } }, context) {
    const cluster = await context.cluster();
    await show(context, await cluster.scrub.pause({ ...operationOptions(context), ...nodesOf(node) }));
  },
});

const status = command({
  names: ["status"],
  operands: "",
  shape: "",
  describe: "Show how far the check is, and what was found and repaired",
  options: nodeOption,
  examples: [["$0 scrub status -o json | jq '.[].scrub.damage'", "For a script"]],
  async run({ values: { node } }, context) {
    const cluster = await context.cluster();
    await show(context, await cluster.scrub.status({ ...operationOptions(context), ...nodesOf(node) }));
  },
});

function nodesOf(nodes: readonly number[] | undefined): { readonly nodes?: readonly number[] } {
  if (nodes === undefined) return {};
  if (nodes.every((id) => Number.isInteger(id) && id >= 1)) return { nodes };
  throw invalid("--node must be the id of a DataNode, a whole number from 1");
}

function rateOf(text: string): number {
  const bytesPerSecond = parseBytes(text.replace(/\/s$/, ""));
  if (bytesPerSecond >= 1) return bytesPerSecond;
  throw invalid("--rate must be above 0; to hold the check use quorumfs scrub pause");
}

/** Nodes that could not be asked are told of last, and decide the exit code. */
async function show(context: Context, nodes: readonly NodeScrub[]): Promise<void> {
  const { printer } = context;
  const answers = nodes.flatMap(({ node, scrub }) => (scrub ? [{ node, scrub }] : []));
  if (printer.format === "table") {
    if (answers.length > 0) await printer.one({}, scrubTable(answers));
  } else {
    const rows = printer.rows<(typeof answers)[number]>({ line: () => "" });
    for (const answer of answers) await rows.add(answer);
    await rows.end();
  }
  const failures = nodes.flatMap(({ error }) => (error ? [error] : []));
  for (const error of failures) printer.problem(error);
  const [first] = failures;
  if (first) throw new Reported(first, answers.length > 0 ? 9 : undefined);
}

export function scrubTable(answers: readonly { readonly node: number; readonly scrub: ScrubInfo }[]): string {
  return tableText(
    ["NODE", "STATE", "CHECKED", "RATE", "LEFT", "BEGAN", "LAST COMPLETE", "DAMAGED", "REPAIRED"],
    answers.map(({ node, scrub }) => [
      node,
      scrub.state,
      checkedText(scrub),
      `${formatBytes(scrub.bytesPerSecond)}/s`,
      leftText(scrub),
      scrub.passStartedAt ? timeText(scrub.passStartedAt) : "-",
      scrub.passEndedAt ? timeText(scrub.passEndedAt) : "-",
      damagedCount(scrub.damage),
      repairedCount(scrub.damage),
    ]),
  );
}

export function damagedCount({ recordsDamaged, chunksDamaged }: DamageInfo): number {
  return recordsDamaged + chunksDamaged;
}

export function repairedCount({ recordsRepaired, chunksRepaired }: DamageInfo): number {
  return recordsRepaired + chunksRepaired;
}

function checkedText({ bytesChecked, bytesTotal }: ScrubInfo): string {
  // More may have been stored since the pass began.
  const total = Math.max(bytesChecked, bytesTotal);
  const percent = total === 0 ? "" : ` (${Math.floor((bytesChecked / total) * 100)} %)`;
  return `${formatBytes(bytesChecked)} of ${formatBytes(total)}${percent}`;
}

function leftText({ state, bytesChecked, bytesTotal, bytesPerSecond }: ScrubInfo): string {
  if (state !== "running" || bytesPerSecond === 0) return "-";
  return durationText(Math.max(0, bytesTotal - bytesChecked) / bytesPerSecond);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}

export const scrub = group({
  name: "scrub",
  describe: "Check all that DataNodes store for damage, and repair it",
  commands: [start, pause, status],
});
