import { basename, join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { formatBytes } from "@quorumfs/runtime/lean";
import type { FileInfo } from "../../file-info.js";
import { isDirectory } from "../adapters/find-local.js";
import { parseByteRange } from "../byte-range.js";
import { command } from "../command.js";
import type { Context } from "../context.js";
import { explainOption } from "../explain-option.js";
import { download, downloadResumably, downloadToOutput } from "../download.js";
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
    range: {
      type: "string",
      describe: "Only these bytes, both ends included: 0-99, 100- or -100 for the last 100",
      requiresArg: true,
    },
    resume: {
      type: "boolean",
      default: false,
      describe:
        "Keep what has come when interrupted (.NAME.ETAG.part), and go on from there if the content is the same",
    },
    ...explainOption,
  },
  examples: [
    ["$0 get files/notes.txt", "Download to ./notes.txt"],
    ["$0 get files/notes.txt copy.txt", "Download under another name"],
    ["$0 get -r files/www site", "Download a directory"],
    ["$0 get 'files/logs/*.log' logs", "Download what matches a pattern"],
    ["$0 get files/disk.img --resume", "Download something large, in several goes if need be"],
    ["$0 get files/disk.img - --range 0-511", "Show the first 512 bytes"],
  ],
  async run({ operands: [remote = "", local], values: { recursive, range: rangeText, resume, explain } }, given) {
    const context = { ...given, explain };
    const many = isMany(remote, recursive);
    const range = rangeText === undefined ? undefined : parseByteRange(rangeText);
    if (range && many) throw invalid("--range goes with one file only");
    if (resume && (range || local === "-")) throw invalid("--resume is for whole files that go to the disk");
    if (local === "-" && many) throw invalid("several files cannot go to standard output; see quorumfs cat");
    if (local === "-") return toOutput(context, remote, range);
    const targetOf = await localTargets({ remote, local, many });
    const rows = context.printer.rows({ line: lineOf });
    try {
      await forEachFile(context, findRemote(context, remote, recursive), {
        bytesOf: ({ size }) => size,
        act: async (file, meter) => {
          const path = targetOf(file);
          const fetch = resume ? downloadResumably : download;
          const info = await fetch(context, { name: file.name, path, meter, ...(range ? { range } : {}) });
          await rows.add({ ...info, local: path });
        },
      });
    } finally {
      await rows.end();
    }
  },
});

async function toOutput(
  context: Context,
  remote: string,
  range: ReturnType<typeof parseByteRange> | undefined,
): Promise<void> {
  await forEachFile(context, findRemote(context, remote, false), {
    bytesOf: ({ size }) => size,
    act: ({ name }, meter) => downloadToOutput(context, { name, meter, ...(range ? { range } : {}) }),
  });
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

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
