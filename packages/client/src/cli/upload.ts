import { resolve } from "node:path";
import { QuorumError } from "@quorumfs/core";
import type { PutResult } from "../file-info.js";
import type { PutOptions } from "../options.js";
import { LocalReading } from "./adapters/read-local.js";
import { type Context, operationOptions } from "./context.js";
import type { FileMeter } from "./transfer-meter.js";
import type { UploadNote } from "./upload-note.js";
import { sizeText } from "./wording.js";

/** Below, sending again is as quick as finding out what need not be sent. */
export const notedBytesMin = 16 * 1024 * 1024;

export interface Upload {
  /** The local file. */
  readonly path: string;
  /** `bucket/path`. */
  readonly name: string;
  readonly meter: FileMeter;
  /** Conditions and attributes. */
  readonly options: PutOptions;
  /** Go on with an interrupted upload of the same file to the same name, if there is a note of it. */
  readonly resume: boolean;
  /** The file is to be as it was when it was found; undefined: as it is. */
  readonly expected?: { readonly size: number | undefined; readonly modifiedMs: number };
}

export interface Uploaded {
  readonly result: PutResult;
  /** What an earlier upload had sent. */
  readonly resumedBytes: number;
  /** It was an earlier upload that has taken effect, and it has been overwritten or deleted since. */
  readonly isOutdated: boolean;
}

/**
 * Uploads one local file as it is: if it changes while it is read, nothing takes effect. Large ones are noted, so that a
 * process that dies can be followed by one with `resume`.
 */
export async function upload(
  context: Context,
  { path, name, meter, options, resume, expected }: Upload,
): Promise<Uploaded> {
  const reading = await LocalReading.open(path);
  try {
    if (expected && (reading.size !== expected.size || reading.modifiedMs !== expected.modifiedMs)) {
      throw new QuorumError({
        code: "precondition_failed",
        message: `${path} was changed meanwhile; run the command again`,
      });
    }
    const { size } = reading;
    const cluster = await context.cluster();
    const isOwnId = options.requestId !== undefined;
    const note =
      size === undefined || size < notedBytesMin || isOwnId
        ? undefined
        : await begin(context, { name, path: resolve(path), size, modifiedMs: reading.modifiedMs }, resume);
    let safeBytes = 0;
    let resumedBytes = 0;
    let result: PutResult;
    try {
      result = await cluster.put(name, reading.bytes(), {
        ...operationOptions(context),
        ...options,
        ...(size === undefined ? {} : { size }),
        ...(note ? { requestId: note.requestId } : {}),
        ...(note?.isResumed || isOwnId ? { resume: true } : {}),
        onProgress: (progress) => {
          ({ bytes: safeBytes, resumedBytes } = progress);
          note?.progressed();
          meter.progress(progress);
        },
      });
    } catch (thrown) {
      const error = reading.failure ?? QuorumError.from(thrown);
      if (note) await conclude(context, { note, error, resume, safeBytes });
      throw error;
    }
    await note?.remove();
    if (resumedBytes > 0) context.printer.note(`quorumfs: of ${path}, ${sizeText(resumedBytes)} had been sent before`);
    const isOutdated = note?.isResumed === true && (await hasChanged(context, result));
    return { result, resumedBytes, isOutdated };
  } finally {
    await reading.close();
  }
}

async function hasChanged(context: Context, { file: { name, version } }: PutResult): Promise<boolean> {
  try {
    const { file } = await (await context.cluster()).stat(name, operationOptions(context));
    return file.version !== version;
  } catch (thrown) {
    if (thrown instanceof QuorumError && thrown.code === "not_found") return true;
    throw thrown;
  }
}

type Noted = { readonly name: string; readonly path: string; readonly size: number; readonly modifiedMs: number };

async function begin(context: Context, noted: Noted, resume: boolean): Promise<UploadNote | undefined> {
  try {
    return await context.notes.begin({ clusterId: await context.clusterId(), ...noted }, { resume });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.printer.note(`quorumfs: if this is interrupted, it cannot be resumed: ${reason}`);
    return undefined;
  }
}

/** What may go better next time stays noted. */
async function conclude(
  context: Context,
  { note, error, resume, safeBytes }: { note: UploadNote; error: QuorumError; resume: boolean; safeBytes: number },
): Promise<void> {
  if (!mayGoOn(error) || (safeBytes === 0 && !note.isResumed)) return note.remove();
  const again = resume ? "run the same command again" : "run the same command again with --resume";
  context.advise(`what was sent is kept for 24 hours; ${again} to go on`);
}

/** Whether the same upload may go better next time. */
export function mayGoOn({ retryable, code }: QuorumError): boolean {
  return retryable || code === "cancelled" || code === "unknown_outcome" || code === "internal";
}
