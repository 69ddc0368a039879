import { checkBucketName, parseFileName, QuorumError } from "@quorumfs/core";
import type { FileInfo } from "../file-info.js";
import { type Context, operationOptions } from "./context.js";
import { literalOf, remoteGlob } from "./remote-glob.js";

/** A file or several, as an argument names them. */
export interface RemoteFile {
  readonly name: string;
  /** Relative to the directory that was asked for, or the last segment of a single file's path. */
  readonly relative: string;
  /** Undefined where nothing has been asked yet. */
  readonly size: number | undefined;
}

/** `bucket` or `bucket/anything`, split at the first slash; nothing is checked but the bucket's name. */
export function splitRemote(argument: string): { readonly bucket: string; readonly rest: string } {
  const slash = argument.indexOf("/");
  if (slash < 0) return { bucket: checkBucketName(argument), rest: "" };
  return { bucket: checkBucketName(argument.slice(0, slash)), rest: argument.slice(slash + 1) };
}

/** Whether the argument may stand for more than one file. */
export function isMany(argument: string, recursive: boolean): boolean {
  return recursive || remoteGlob(argument) !== undefined;
}

/**
 * The files that an argument stands for: one, those that match a pattern, or with `recursive` those below a directory.
 *
 * @throws QuorumError `not_found` if a pattern or directory has none; a single file is not looked for
 */
export async function* findRemote(context: Context, argument: string, recursive: boolean): AsyncGenerator<RemoteFile> {
  if (!isMany(argument, recursive)) {
    const { bucket, path } = parseFileName(literalOf(argument));
    yield { name: `${bucket}/${path}`, relative: path.slice(path.lastIndexOf("/") + 1), size: undefined };
    return;
  }
  const { bucket, rest } = splitRemote(argument);
  const glob = remoteGlob(rest);
  let found = false;
  const base = glob ? glob.base : directoryOf(literalOf(rest));
  for await (const file of filesUnder(context, bucket, glob?.prefix ?? base)) {
    if (glob && !glob.matches(file.path)) continue;
    found = true;
    yield { name: file.name, relative: file.path.slice(base.length), size: file.size };
  }
  if (!found) throw nothingThere(argument, glob !== undefined);
}

/** The files of several arguments. One without files does not keep the others from being found: it yields why. */
export async function* findEach(
  context: Context,
  args: readonly string[],
  recursive: boolean,
): AsyncGenerator<RemoteFile | QuorumError> {
  for (const argument of args) {
    try {
      yield* findRemote(context, argument, recursive);
    } catch (thrown) {
      yield QuorumError.from(thrown);
    }
  }
}

/** A directory's prefix: its path and a slash; the whole bucket for an empty path. */
export function directoryOf(path: string): string {
  return path === "" || path.endsWith("/") ? path : `${path}/`;
}

export async function* filesUnder(context: Context, bucket: string, prefix: string): AsyncGenerator<FileInfo> {
  const cluster = await context.cluster();
  for await (const entry of cluster.list(bucket, { ...operationOptions(context), prefix })) {
    if (entry.kind === "file") yield entry;
  }
}

export function nothingThere(argument: string, isPattern: boolean): QuorumError {
  const message = isPattern ? `no file matches ${argument}` : `there is nothing under ${argument}`;
  return new QuorumError({ code: "not_found", message });
}
