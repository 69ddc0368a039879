import { basename, join } from "node:path";
import { formatBytes } from "@quorumfs/runtime";
import type { FileInfo } from "../../file-info.js";
import { isDirectory, writeLocal } from "../adapters/local-files.js";
import { command } from "../command.js";
import { type Context, readOptions } from "../context.js";
import { findRemote, isMany, type RemoteFile, splitRemote } from "../remote-files.js";
import { remoteGlob } from "../remote-glob.js";
import { forEachFile } from "../transfers.js";
import { printable } from "../wording.js";

export const get = command({
  names: ["get", "download"],
  operands: "<remote> [local]",
  shape: "BUCKET/PATH [LOCAL]",
  describe: "Download a file, or several into a directory; - is standard output",
  options: {
    recursive: { alias: "r", type: "boolean", default: false, describe: "Download all that is under the path" },
  },
  examples: [
    ["$0 get files/notes.txt", "Download to ./notes.txt"],
    ["$0 get files/notes.txt copy.txt", "Download under another name"],
    ["$0 get -r files/www site", "Download a directory"],
    ["$0 get 'files/logs/*.log' logs", "Download what matches a pattern"],
  ],
  async run({ operands: [remote = "", local], values: { recursive } }, context) {
    const many = isMany(remote, recursive);
    if (local === "-" && !many) return toStandardOutput(context, remote);
    const targetOf = await localTargets({ remote, local, many });
    const rows = context.printer.rows({ line: lineOf });
    try {
      await forEachFile(context, findRemote(context, remote, recursive), {
        act: async (file) => {
          const { content, file: info, ...vote } = await (await context.cluster()).get(file.name, readOptions(context));
          const path = targetOf(file);
          await writeLocal(path, content);
          await rows.add({ ...info, ...vote, local: path });
        },
      });
    } finally {
      await rows.end();
    }
  },
});

async function toStandardOutput(context: Context, remote: string): Promise<void> {
  for await (const { name } of findRemote(context, remote, false)) {
    const { content } = await (await context.cluster()).get(name, readOptions(context));
    await context.terminal.write(content);
  }
}

/** Several files go below a directory; a single one under a name of its own, or into a directory that exists. */
async function localTargets(options: {
  remote: string;
  local: string | undefined;
  many: boolean;
}): Promise<(file: RemoteFile) => string> {
  const { remote, local, many } = options;
  if (many) {
    const directory = local ?? defaultDirectory(remote);
    return (file) => join(directory, file.relative);
  }
  if (local === undefined) return (file) => file.relative;
  if (local.endsWith("/") || (await isDirectory(local))) return (file) => join(local, file.relative);
  return () => local;
}

/** A directory keeps its name; what a pattern finds goes here. */
function defaultDirectory(remote: string): string {
  const { bucket, rest } = splitRemote(remote);
  if (remoteGlob(rest)) return ".";
  return rest === "" ? bucket : basename(rest);
}

function lineOf(row: FileInfo & { readonly local: string }): string {
  return `${printable(row.name)} -> ${printable(row.local)}  version ${row.version}  ${formatBytes(row.size)}`;
}
