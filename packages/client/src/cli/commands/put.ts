import { inlineBytesMax, parseFileName, QuorumError } from "@quorumfs/core";
import { findLocal, readLocal } from "../adapters/local-files.js";
import { command } from "../command.js";
import { conditionOptions, conditionsOf, requireOneFile } from "../condition-options.js";
import { type Context, operationOptions } from "../context.js";
import { directoryOf, splitRemote } from "../remote-files.js";
import { forEachFile } from "../transfers.js";
import { fileBlock, fileLine } from "../wording.js";

/** One file to upload. `path` undefined: standard input. */
interface Upload {
  readonly path: string | undefined;
  readonly name: string;
  readonly size: number;
}

export const put = command({
  names: ["put", "upload"],
  operands: "<paths..>",
  shape: "LOCAL... BUCKET/PATH",
  describe: "Upload files; - is standard input",
  options: {
    recursive: { alias: "r", type: "boolean", default: false, describe: "Upload directories with all that is in them" },
    "if-absent": { type: "boolean", default: false, describe: "Only if the file does not exist" },
    ...conditionOptions,
    attribute: {
      type: "string",
      array: true,
      describe: "NAME=VALUE to keep with the version; repeatable",
      requiresArg: true,
    },
  },
  examples: [
    ["$0 put notes.txt files/notes.txt", "Upload a file under a name"],
    ["$0 put *.log files/logs/", "Upload several; names are kept"],
    ["$0 put -r site files/www", "Upload a directory"],
    ["date | $0 put - files/now --if-absent", "Upload from a pipe, unless the file exists"],
    ["$0 put state.json files/state.json --if-version 7", "Replace version 7, and no other"],
  ],
  async run({ operands, values }, context) {
    const target = operands.at(-1);
    const sources = operands.slice(0, -1);
    if (target === undefined || sources.length === 0) {
      throw invalid("put needs local files and a target: quorumfs put LOCAL... BUCKET/PATH");
    }
    const uploads = await plan({ sources, target, recursive: values.recursive });
    const conditions = conditionsOf(values);
    requireOneFile({ conditions, isMany: uploads.length > 1 });
    const options = {
      ...operationOptions(context),
      ...conditions,
      ifAbsent: values["if-absent"],
      attributes: attributesOf(values.attribute ?? []),
    };
    const cluster = await context.cluster();
    const rows = context.printer.rows({ line: uploads.length === 1 ? fileBlock : fileLine });
    try {
      await forEachFile(context, uploads, {
        total: uploads.length,
        act: async ({ path, name }) => {
          const content = path === undefined ? await fromStandardInput(context) : await readLocal(path, inlineBytesMax);
          const { file, ...vote } = await cluster.put(name, content, options);
          await rows.add({ ...file, ...vote, ...(path === undefined ? {} : { local: path }) });
        },
      });
    } finally {
      await rows.end();
    }
  },
});

/** What goes where. All is looked at first, so that nothing is sent if something cannot be. */
async function plan(options: {
  sources: readonly string[];
  target: string;
  recursive: boolean;
}): Promise<readonly Upload[]> {
  const { sources, target, recursive } = options;
  const { bucket, rest } = splitRemote(target);
  const uploads: Upload[] = [];
  for (const source of sources) {
    if (source === "-") {
      if (sources.length > 1 || rest === "" || rest.endsWith("/")) {
        throw invalid("standard input goes alone, and to a full name: quorumfs put - BUCKET/PATH");
      }
      uploads.push({ path: undefined, name: target, size: 0 });
      continue;
    }
    const files = await findLocal(source, recursive);
    const isOneToOne = sources.length === 1 && files.length === 1 && files[0]?.path === source;
    const keepsName = rest === "" || rest.endsWith("/");
    for (const { path, relative, size } of files) {
      const name = isOneToOne && !keepsName ? target : `${bucket}/${directoryOf(rest)}${relative}`;
      uploads.push({ path, name, size });
    }
  }
  const names = new Set<string>();
  for (const { path, name, size } of uploads) {
    parseFileName(name);
    if (size > inlineBytesMax) throw tooLarge(path ?? name, size);
    if (names.has(name)) throw invalid(`two of the local files would become ${name}; upload them apart`);
    names.add(name);
  }
  if (uploads.length === 0) throw invalid("there are no files to upload in what was given");
  return uploads;
}

async function fromStandardInput(context: Context): Promise<Uint8Array> {
  const content = await context.terminal.read(inlineBytesMax);
  if (content.length > inlineBytesMax) throw tooLarge("standard input", undefined);
  return content;
}

function tooLarge(what: string, size: number | undefined): QuorumError {
  const is = size === undefined ? "has more than" : `has ${size} bytes; the most is`;
  return invalid(`${what} ${is} ${inlineBytesMax} bytes (128 KiB); nothing was sent`);
}

function attributesOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw invalid(`--attribute ${JSON.stringify(pair)} is not NAME=VALUE`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
