import { formatBytes } from "@quorumfs/runtime/lean";
import type { ListEntry } from "../../file-info.js";
import { command } from "../command.js";
import { type Context, operationOptions } from "../context.js";
import { directoryOf, filesUnder, nothingThere, splitRemote } from "../remote-files.js";
import { literalOf, type RemoteGlob, remoteGlob } from "../remote-glob.js";
import { printable, timeText } from "../wording.js";
import { listBuckets } from "./bucket.js";

export const ls = command({
  names: ["ls", "list"],
  operands: "[remote..]",
  shape: "[BUCKET[/PATH]...]",
  describe: "List files; without a path, buckets",
  options: {
    recursive: { alias: "r", type: "boolean", default: false, describe: "List directories with all that is in them" },
  },
  examples: [
    ["$0 ls", "List the buckets"],
    ["$0 ls files", "List a bucket"],
    ["$0 ls -r files/www", "List all that is under a path"],
    ["$0 ls 'files/logs/*.log'", "List what matches a pattern"],
    ["$0 ls -r files -o jsonl | jq -r .name", "Names only, for a script"],
  ],
  async run({ operands, values: { recursive } }, context) {
    if (operands.length === 0) return listBuckets(context);
    const rows = context.printer.rows<ListEntry>({ line: lineOf });
    try {
      for (const operand of operands) {
        for await (const entry of entriesOf({ context, operand, recursive })) await rows.add(entry);
      }
    } finally {
      await rows.end();
    }
  },
});

interface Query {
  readonly context: Context;
  readonly operand: string;
  readonly recursive: boolean;
}

async function* entriesOf(query: Query): AsyncGenerator<ListEntry> {
  const { bucket, rest } = splitRemote(query.operand);
  const glob = remoteGlob(rest);
  let found = rest === "";
  for await (const entry of glob ? matching(query, bucket, glob) : within(query, bucket, literalOf(rest))) {
    found = true;
    yield entry;
  }
  if (!found) throw nothingThere(query.operand, glob !== undefined);
}

async function* matching({ context }: Query, bucket: string, glob: RemoteGlob): AsyncGenerator<ListEntry> {
  for await (const file of filesUnder(context, bucket, glob.prefix)) {
    if (glob.matches(file.path)) yield { kind: "file", ...file };
  }
}

/** A path may be a file and a directory at once, since directories are only what paths have in common. */
async function* within(query: Query, bucket: string, path: string): AsyncGenerator<ListEntry> {
  const { context, recursive } = query;
  const cluster = await context.cluster();
  const options = operationOptions(context);
  if (path !== "" && !path.endsWith("/")) {
    for await (const entry of cluster.list(bucket, { ...options, prefix: path, pageSize: 1 })) {
      // Of all paths with this prefix it is the first in order.
      if (entry.path === path) yield entry;
      break;
    }
  }
  const delimiter = recursive ? {} : { delimiter: "/" };
  yield* cluster.list(bucket, { ...options, ...delimiter, prefix: directoryOf(path) });
}

function lineOf(entry: ListEntry): string {
  if (entry.kind === "prefix") return `${"".padStart(54)}${printable(entry.name)}`;
  const { size, modifiedAt, version, name } = entry;
  return `${formatBytes(size).padStart(10)}  ${timeText(modifiedAt)}  ${`version ${version}`.padEnd(18)}  ${printable(name)}`;
}
