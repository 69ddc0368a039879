import { QuorumError } from "@quorumfs/core";
import type { PutResult } from "../../file-info.js";
import type { PutOptions } from "../../options.js";
import { LocalReading } from "../adapters/read-local.js";
import { command } from "../command.js";
import { conditionOptions, conditionsOf, requireOneFile } from "../condition-options.js";
import { type Context, operationOptions } from "../context.js";
import { explainOption } from "../explain-option.js";
import { linksOption } from "../local-file.js";
import type { FileMeter } from "../transfer-meter.js";
import { forEachFile } from "../transfers.js";
import { mayGoOn, notedBytesMin, upload } from "../upload.js";
import { isOneFile, uploadsOf } from "../upload-plan.js";
import { fileBlock, fileLine } from "../wording.js";

interface Sent extends PutResult {
  readonly resumedBytes?: number;
}

export const put = command({
  names: ["put", "upload"],
  operands: "<paths..>",
  shape: "LOCAL... BUCKET/PATH",
  describe: "Upload files of any size; - is standard input",
  options: {
    recursive: { alias: "r", type: "boolean", default: false, describe: "Upload directories with all that is in them" },
    links: linksOption,
    append: { type: "boolean", default: false, describe: "Add to the end of the file, or create it" },
    resume: {
      type: "boolean",
      default: false,
      describe:
        "Go on with an interrupted upload of the same files: what was sent in the last 24 hours is not sent again",
    },
    "if-absent": { type: "boolean", default: false, describe: "Only if the file does not exist" },
    ...conditionOptions,
    ...explainOption,
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
    ["tar c site | $0 put - files/site.tar", "Upload from a pipe"],
    ["$0 put disk.img files/disk.img --resume", "Go on after an interruption"],
    ["date | $0 put - files/dates --append", "Add to a file"],
    ["$0 put lock files/lock --if-absent", "Upload unless the file exists"],
    ["$0 put state.json files/state.json --if-version 7", "Replace version 7, and no other"],
  ],
  async run({ operands, values }, given) {
    const context = { ...given, explain: values.explain };
    const target = operands.at(-1);
    const sources = operands.slice(0, -1);
    if (target === undefined || sources.length === 0) {
      throw invalid("put needs local files and a target: quorumfs put LOCAL... BUCKET/PATH");
    }
    const { recursive, links, append, resume, explain } = values;
    if (append && explain) throw invalid("--append goes without --explain");
    const isSingle = await isOneFile(sources);
    const conditions = conditionsOf(values);
    requireOneFile({ conditions, isMany: !isSingle });
    const options = { ...conditions, ifAbsent: values["if-absent"], attributes: attributesOf(values.attribute ?? []) };
    if (append) requirePlain({ isSingle, resume, ...options });
    const send = async (path: string | undefined, name: string, meter: FileMeter): Promise<Sent> => {
      if (append) return appendTo(context, { path, name, meter });
      if (path === undefined) return fromStandardInput(context, { name, meter, options });
      const { result, resumedBytes, isOutdated } = await upload(context, { path, name, meter, options, resume });
      if (isOutdated) {
        context.printer.note(
          `quorumfs: ${name} was changed since by others; put it again without --resume to replace that`,
        );
      }
      return resumedBytes > 0 ? { ...result, resumedBytes } : result;
    };
    const rows = context.printer.rows({ line: isSingle ? fileBlock : fileLine });
    try {
      const done = await forEachFile(context, uploadsOf({ sources, target, isSingle, find: { recursive, links } }), {
        bytesOf: (item) => (item.kind === "file" ? item.size : 0),
        act: async (item, meter) => {
          if (item.kind === "problem") throw item.problem;
          const { path, name } = item;
          const { file, ...vote } = await send(path, name, meter);
          context.printer.trace(vote.trace);
          await rows.add({ ...file, ...vote, ...(path === undefined ? {} : { local: path }) });
        },
      });
      if (done === 0 && !context.stopping.aborted) throw invalid("there are no files to upload in what was given");
    } finally {
      await rows.end();
    }
  },
});

/** What is a stream here cannot be noted; but whoever can repeat it can go on, by the request id. */
async function fromStandardInput(
  context: Context,
  { name, meter, options }: { name: string; meter: FileMeter; options: PutOptions },
): Promise<PutResult> {
  const cluster = await context.cluster();
  let safeBytes = 0;
  try {
    return await cluster.put(name, context.terminal.input(), {
      ...operationOptions(context),
      ...options,
      ...(options.requestId === undefined ? {} : { resume: true }),
      onProgress: (progress) => {
        safeBytes = progress.bytes;
        meter.progress(progress);
      },
    });
  } catch (thrown) {
    const error = QuorumError.from(thrown);
    const { requestId } = error.details;
    if (safeBytes >= notedBytesMin && requestId !== undefined && mayGoOn(error)) {
      context.advise(`what was sent is kept for 24 hours; to go on, send the same again with --repeat ${requestId}`);
    }
    throw error;
  }
}

async function appendTo(
  context: Context,
  { path, name, meter }: { path: string | undefined; name: string; meter: FileMeter },
): Promise<PutResult> {
  const cluster = await context.cluster();
  const options = {
    ...operationOptions(context),
    onProgress: (progress: Parameters<FileMeter["progress"]>[0]) => meter.progress(progress),
  };
  if (path === undefined) return cluster.append(name, context.terminal.input(), options);
  const reading = await LocalReading.open(path);
  try {
    const { size } = reading;
    return await cluster.append(name, reading.bytes(), { ...options, ...(size === undefined ? {} : { size }) });
  } catch (thrown) {
    throw reading.failure ?? thrown;
  } finally {
    await reading.close();
  }
}

function requirePlain(
  options: { isSingle: boolean; resume: boolean } & Pick<
    PutOptions,
    "ifAbsent" | "ifVersion" | "ifMatch" | "requestId" | "attributes"
  >,
): void {
  const { isSingle, resume, ifAbsent, attributes = {}, ...conditions } = options;
  const hasMore =
    resume ||
    ifAbsent ||
    [...Object.values(conditions), ...Object.keys(attributes)].some((given) => given !== undefined);
  if (!isSingle) throw invalid("--append goes with one file only");
  if (hasMore) throw invalid("--append goes with no condition, attribute, --repeat or --resume");
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
