import { QuorumError } from "@quorumfs/core";
import { formatBytes, parseBytes } from "@quorumfs/runtime/lean";
import type { FileState, StateQuery, StateSummary } from "../../cluster-info.js";
import type { StateOptions } from "../../options.js";
import { command } from "../command.js";
import type { Context } from "../context.js";
import { splitRemote } from "../remote-files.js";
import { nodesText, printable } from "../wording.js";

export const state = command({
  names: ["state"],
  operands: "[remote]",
  shape: "[BUCKET[/PREFIX]] [FLAGS]",
  describe: "Show the totals, then every file with its version and which DataNodes hold it",
  details:
    "As the DataNodes tell it now, in order of bucket and path. A file is under-replicated while fewer than N of the DataNodes\n" +
    "that the layout gives it have its newest version. DataNodes that do not answer are named.",
  options: {
    bucket: { type: "string", describe: "Only this bucket", requiresArg: true },
    prefix: { type: "string", describe: "Only paths that begin with this", requiresArg: true },
    "min-size": { type: "string", describe: "Only files of this size or larger: 4096, 1MiB", requiresArg: true },
    "max-size": { type: "string", describe: "Only files of this size or smaller", requiresArg: true },
    node: { type: "number", describe: "Only files of which this DataNode holds a copy", requiresArg: true },
    "assigned-to": {
      type: "number",
      describe: "Only files that this DataNode holds or should hold, whether it is up or not",
      requiresArg: true,
    },
    "under-replicated": {
      type: "boolean",
      default: false,
      describe: "Only files that fewer DataNodes have than the layout asks for",
    },
    totals: { type: "boolean", default: false, describe: "Only the totals" },
    limit: { type: "number", describe: "So many files at most", requiresArg: true },
    after: { type: "string", describe: "Only files behind this one, BUCKET/PATH: the next page", requiresArg: true },
  },
  examples: [
    ["$0 state", "The whole file system"],
    ["$0 state --totals", "How much there is, and whether all of it has all its copies"],
    ["$0 state --under-replicated", "What lacks copies"],
    ["$0 state --node 2 --min-size 1GiB", "Large files on DataNode 2"],
    ["$0 state files/www/ --limit 100 -o jsonl", "A page of what is under a prefix, for a script"],
  ],
  async run({ operands: [target], values }, context) {
    const cluster = await context.cluster();
    const filter = filterOf(target, values);
    const { limit, after } = values;
    const place = after === undefined ? {} : { after };
    const counting = cluster.state({ ...filter, ...place, totalsOnly: true, signal: context.signal });
    const totals = await watched(context, counting, () => counting.totals());
    if (values.totals) return await context.printer.one({ totals }, totalsText(totals));

    const query = cluster.state({
      ...filter,
      ...place,
      ...(limit === undefined ? {} : { limit }),
      signal: context.signal,
    });
    const rows = context.printer.rows<FileState>({
      line: lineOf,
      under: "files",
      first: { value: { totals }, text: `${totalsText(totals)}\n` },
    });
    // Totals are to be seen while the first rows are being looked for.
    await context.printer.flush();
    for await (const file of query) await rows.add(file);
    const { summary, next } = query;
    await rows.end(summary && { value: { summary, ...(next === undefined ? {} : { next }) }, text: endText(next) });
  },
});

interface Flags {
  readonly bucket: string | undefined;
  readonly prefix: string | undefined;
  readonly "min-size": string | undefined;
  readonly "max-size": string | undefined;
  readonly node: number | undefined;
  readonly "assigned-to": number | undefined;
  readonly "under-replicated": boolean;
}

function filterOf(target: string | undefined, flags: Flags): StateOptions {
  if (target !== undefined && (flags.bucket !== undefined || flags.prefix !== undefined)) {
    const message = `give either ${target} or --bucket and --prefix`;
    throw new QuorumError({ code: "invalid_argument", message });
  }
  const { bucket, rest } = target === undefined ? { bucket: flags.bucket, rest: undefined } : splitRemote(target);
  const prefix = rest ?? flags.prefix;
  const { node, "min-size": min, "max-size": max, "assigned-to": assignedTo } = flags;
  return {
    ...(bucket === undefined ? {} : { bucket }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(min === undefined ? {} : { sizeMin: parseBytes(min) }),
    ...(max === undefined ? {} : { sizeMax: parseBytes(max) }),
    ...(node === undefined ? {} : { node }),
    ...(assignedTo === undefined ? {} : { assignedTo }),
    ...(flags["under-replicated"] ? { health: "under_replicated" } : {}),
  };
}

/** Shows how far a query is while somebody waits for it. */
async function watched<T>(context: Context, query: StateQuery, run: () => Promise<T>): Promise<T> {
  const end = context.terminal.progress((columns) => `counted ${query.filesSoFar} files`.slice(0, columns));
  try {
    return await run();
  } finally {
    end();
  }
}

function lineOf({ name, version, size, holders, behind }: FileState): string {
  const late = behind.length === 0 ? "" : `  behind or damaged: ${nodesText(behind)}`;
  return `${formatBytes(size).padStart(10)}  ${`version ${version}`.padEnd(18)}  on ${nodesText(holders)}${late}  ${printable(name)}`;
}

function totalsText({ files, bytes, underReplicated, unreachable }: StateSummary): string {
  const copies =
    underReplicated === 0 ? "all with all their copies" : `${underReplicated} with fewer copies than there should be`;
  const missing =
    unreachable.length === 0
      ? ""
      : `; no answer from DataNodes ${nodesText(unreachable)}, so what only they hold is missing`;
  return `${files} ${files === 1 ? "file" : "files"}, ${formatBytes(bytes)}, ${copies}${missing}`;
}

function endText(next: string | undefined): string {
  return next === undefined ? "" : `\nmore: --after ${quoted(next)}`;
}

/** For a shell. */
function quoted(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : `'${printable(name).replaceAll("'", String.raw`'\''`)}'`;
}
