import { type Clock, eventKinds, QuorumError } from "@quorumfs/core";
import { parseDuration } from "@quorumfs/runtime/lean";
import { parseWallMs } from "../../adapters/wall-date.js";
import type { ClusterEvent } from "../../event-info.js";
import type { EventFilterOptions } from "../../options.js";
import { command } from "../command.js";
import { type Context, operationOptions } from "../context.js";
import { eventLine } from "../events/event-text.js";
import { readEvents } from "../events/read-events.js";
import { paintWith } from "../paint.js";
import { Printer } from "../printer.js";

const countDefault = 50;
/** What the SuperNode keeps. */
const countMax = 10_000;
// Somebody watches, so that a SuperNode that is away is waited for as long as he does.
const patienceMs = 24 * 60 * 60 * 1000;

const areas = [...new Set(Object.keys(eventKinds).map((kind) => kind.slice(0, kind.indexOf("."))))];

export const events = command({
  names: ["events"],
  operands: "",
  shape: "[FLAGS]",
  describe: "Show what happened to the cluster: nodes that come and go, repair, damage, layout, overload",
  details:
    "Oldest first. The SuperNode keeps the newest 10,000 events, over its restarts too. With --follow json is one object a line.\n\n" +
    `Kinds: ${kindsText()}.`,
  options: {
    follow: {
      alias: "f",
      type: "boolean",
      default: false,
      describe: "Go on with what happens from now on, until Ctrl-C",
    },
    kind: {
      alias: "k",
      type: "string",
      array: true,
      describe: "Only this kind, or a part of the system: node, node.down; repeatable",
      requiresArg: true,
    },
    node: { type: "number", describe: "Only what is about this DataNode", requiresArg: true },
    severity: {
      choices: ["info", "warning", "error"] as const,
      describe: "Only this and what is worse",
      requiresArg: true,
    },
    since: {
      type: "string",
      describe: "Only what is not older: 10m, 2h, 3d, or a time like 2026-11-20T16:00:00Z",
      requiresArg: true,
    },
    limit: {
      alias: "n",
      type: "number",
      describe: `So many of the newest at most; default ${countDefault}, with --since all`,
      requiresArg: true,
    },
  },
  examples: [
    ["$0 events", "The newest"],
    ["$0 events -f --severity warning", "Watch what may need somebody"],
    ["$0 events --kind node --kind repair --since 1h", "What was with the nodes in the last hour"],
    ["$0 events --node 3 -o jsonl | jq -r .message", "For a script"],
  ],
  async run({ values }, context) {
    const { follow, kind, node, severity, since, limit } = values;
    const filter = filterOf({ kind, node, severity });
    const wanted = {
      ...operationOptions(context),
      ...filter,
      count: countOf(limit, since),
      sinceMs: since === undefined ? 0 : sinceMsOf(since, context.clock),
    };
    const cluster = await context.cluster();
    // Before what is there is listed, so that nothing is missed between that and the watch.
    const newest = (await cluster.events({ ...operationOptions(context), limit: 1 })).events[0]?.id ?? 0;
    const known = await readEvents(cluster, wanted);
    if (!follow) return show(context, known);
    await followEvents(context, { known, filter, after: Math.max(newest, known.at(-1)?.id ?? 0) });
  },
});

async function show({ printer, terminal }: Context, known: readonly ClusterEvent[]): Promise<void> {
  const paint = paintWith(terminal.hasColours);
  if (known.length === 0) printer.note("quorumfs: no such events");
  const rows = printer.rows<ClusterEvent>({ line: (event) => eventLine(event, paint) });
  for (const event of known) await rows.add(event);
  await rows.end();
}

async function followEvents(
  context: Context,
  options: { readonly known: readonly ClusterEvent[]; readonly filter: EventFilterOptions; readonly after: number },
): Promise<void> {
  const { terminal, stopping } = context;
  const { known, filter, after } = options;
  const paint = paintWith(terminal.hasColours);
  // An array would never end.
  const printer = new Printer(terminal, context.printer.format === "json" ? "jsonl" : context.printer.format);
  const rows = printer.rows<ClusterEvent>({ line: (event) => eventLine(event, paint) });
  for (const event of known) await rows.add(event);
  await printer.flush();
  const cluster = await context.cluster();
  for await (const event of cluster.watchEvents({ ...filter, after, timeoutMs: patienceMs, signal: stopping })) {
    await rows.add(event);
    await printer.flush();
  }
}

function filterOf(flags: {
  readonly kind: readonly string[] | undefined;
  readonly node: number | undefined;
  readonly severity: "info" | "warning" | "error" | undefined;
}): EventFilterOptions {
  const { kind, node, severity } = flags;
  return {
    ...(kind === undefined ? {} : { kinds: kind.map(checkKind) }),
    ...(node === undefined ? {} : { node: checkNode(node) }),
    ...(severity === undefined ? {} : { severity }),
  };
}

/** A mistyped kind would just show nothing. */
function checkKind(kind: string): string {
  if (Object.hasOwn(eventKinds, kind) || areas.includes(kind)) return kind;
  throw invalid(`there are no events of kind ${JSON.stringify(kind)}; there are ${kindsText()}`);
}

function checkNode(node: number): number {
  if (Number.isInteger(node) && node >= 1) return node;
  throw invalid("--node must be the id of a DataNode, a whole number from 1");
}

function countOf(limit: number | undefined, since: string | undefined): number {
  if (limit === undefined) return since === undefined ? countDefault : countMax;
  if (Number.isInteger(limit) && limit >= 1 && limit <= countMax) return limit;
  throw invalid(`--limit must be a whole number from 1 to ${countMax}`);
}

/** @throws QuorumError `invalid_argument` */
function sinceMsOf(text: string, clock: Clock): number {
  // A date has dashes, which no duration has.
  const atMs = text.includes("-") ? parseWallMs(text) : clock.wallMs() - parseDuration(text);
  if (!Number.isNaN(atMs)) return atMs;
  throw invalid(`--since ${JSON.stringify(text)} is neither a duration like 2h nor a time like 2026-11-20T16:00:00Z`);
}

/** `node.joined, suspected, down; repair.started, completed` */
function kindsText(): string {
  const kinds = Object.keys(eventKinds);
  return areas
    .map(
      (area) =>
        `${area}.${kinds.flatMap((kind) => (kind.startsWith(`${area}.`) ? [kind.slice(area.length + 1)] : [])).join(", ")}`,
    )
    .join("; ");
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
