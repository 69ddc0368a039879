import { QuorumError } from "@quorumfs/core";
import type { FileInfo, ReadResult, Traced, VoteInfo } from "../file-info.js";
import type { TransferProgress } from "../options.js";
import { PartialDownload } from "./adapters/partial-download.js";
import { type LocalState, writeLocal } from "./adapters/write-local.js";
import { type ByteRange, locateRange } from "./byte-range.js";
import { type Context, readOptions } from "./context.js";
import type { FileMeter } from "./transfer-meter.js";
import { sizeText } from "./wording.js";

// A file that is overwritten again and again while it is being fetched is given up after as many attempts.
const attemptsMax = 5;

// Below, fetching again is as quick as reading about how to go on.
const longBytesMin = 16 * 1024 * 1024;

export interface Download {
  /** `bucket/path`. */
  readonly name: string;
  /** Where to. */
  readonly path: string;
  readonly meter: FileMeter;
  /** Default: all. */
  readonly range?: ByteRange;
  /** Replace nothing but this; default: whatever is there. */
  readonly replacing?: LocalState | "nothing";
}

type Downloaded = FileInfo & VoteInfo & Traced;

/** Downloads one file, or a part of it: it appears whole, verified and on the disk, or not at all. */
export async function download(context: Context, options: Download): Promise<Downloaded> {
  const { name, path, meter, range, replacing } = options;
  const result = await openRemote(context, { name, meter, range });
  const { body, file, length } = result;
  try {
    await consuming(body, (bytes) => writeLocal(path, bytes, replacing === undefined ? {} : { replacing }));
  } catch (thrown) {
    const { code, retryable } = QuorumError.from(thrown);
    if (!range && length >= longBytesMin && (retryable || code === "cancelled")) {
      context.advise("with quorumfs get --resume, what has come before an interruption is kept");
    }
    throw thrown;
  }
  // Now that all has come, it tells all.
  const { trace } = result;
  context.printer.trace(trace);
  return { ...infoOf(file, result), ...(trace && { trace }) };
}

/** Writes a file, or a part of it, to standard output. */
export async function downloadToOutput(
  context: Context,
  options: Pick<Download, "name" | "meter" | "range">,
): Promise<void> {
  const result = await openRemote(context, options);
  await consuming(result.body, async (content) => {
    for await (const bytes of content) await context.terminal.write(bytes);
  });
  context.printer.trace(result.trace);
}

/**
 * As {@link download}, but what has come when it is interrupted stays beside the target, and the next call goes on from
 * there if the content is still the same. All of it is checked against the file's SHA-256 in the end.
 */
export async function downloadResumably(
  context: Context,
  { name, path, meter }: Pick<Download, "name" | "path" | "meter">,
): Promise<Downloaded> {
  const cluster = await context.cluster();
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const { file, ...vote } = await cluster.stat(name, readOptions(context));
    const part = await PartialDownload.open(path, file);
    const resumedBytes = part.bytes;
    try {
      if (!(await fill(context, { name, file, part, meter }))) continue;
      if (part.digest() === file.etag) {
        await part.publish();
        if (resumedBytes > 0) context.printer.note(`quorumfs: of ${name}, ${sizeText(resumedBytes)} had come before`);
        return infoOf(file, vote);
      }
      await part.discard();
      if (resumedBytes > 0) continue;
      throw new QuorumError({ code: "corrupt", message: `what came of ${name} is not what its SHA-256 says` });
    } catch (thrown) {
      const { code } = QuorumError.from(thrown);
      if (part.bytes === 0 || code === "corrupt") await part.discard();
      else context.advise("what has come is kept beside the target; run the same command again to go on");
      throw thrown;
    } finally {
      await part.close();
    }
  }
  throw overwritten(name);
}

/** @returns false if the file has another content by now */
async function fill(
  context: Context,
  { name, file, part, meter }: { name: string; file: FileInfo; part: PartialDownload; meter: FileMeter },
): Promise<boolean> {
  const resumedBytes = part.bytes;
  if (resumedBytes === file.size) return true;
  const cluster = await context.cluster();
  const { body, file: now } = await cluster.read(name, {
    ...readOptions(context),
    offset: resumedBytes,
    onProgress: ({ bytes }) => meter.progress({ bytes: resumedBytes + bytes, totalBytes: file.size, resumedBytes }),
  });
  if (now.etag !== file.etag) {
    await body.cancel();
    await part.discard();
    return false;
  }
  await consuming(body, async (content) => {
    for await (const bytes of content) await part.append(bytes);
  });
  return true;
}

async function openRemote(
  context: Context,
  { name, meter, range }: { name: string; meter: FileMeter; range?: ByteRange | undefined },
): Promise<ReadResult> {
  const cluster = await context.cluster();
  const options = { ...readOptions(context), onProgress: (done: TransferProgress) => meter.progress(done) };
  if (!range) return cluster.read(name, options);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const { file } = await cluster.stat(name, readOptions(context));
    const result = await cluster.read(name, { ...options, ...locateRange(range, file.size) });
    // Where a range lies depends on the size.
    if (result.file.version === file.version) return result;
    await result.body.cancel();
  }
  throw overwritten(name);
}

/** Hands a stream on; if that fails, what is under way behind the stream ends. */
export async function consuming<T>(
  body: ReadResult["body"],
  consume: (content: ReadResult["body"]) => Promise<T>,
): Promise<T> {
  try {
    return await consume(body);
  } finally {
    // Does nothing to a stream that has ended.
    if (!body.locked) await body.cancel().catch(() => undefined);
  }
}

function infoOf(file: FileInfo, { acknowledged, replicas, durability }: VoteInfo): Downloaded {
  return { ...file, acknowledged, replicas, durability };
}

function overwritten(name: string): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `${name} was overwritten ${attemptsMax} times while it was being read; try again later`,
  });
}
