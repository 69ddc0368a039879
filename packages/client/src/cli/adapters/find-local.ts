import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { glob, isDynamicPattern } from "tinyglobby";
import type { Links, LocalEntry } from "../local-file.js";
import { isMissing, localError } from "./local-error.js";
import { walkLocal } from "./local-tree.js";

/** What an argument of `put` names. A directory or a pattern may stand for any number of files. */
export type LocalOperand = "file" | "directory" | "pattern";

/** @throws QuorumError `not_found` */
export async function kindOfLocal(argument: string): Promise<LocalOperand> {
  const stats = await statOf(argument);
  if (stats) return stats.isDirectory() ? "directory" : "file";
  if (isDynamicPattern(argument)) return "pattern";
  throw new QuorumError({ code: "not_found", message: `local file ${argument} does not exist` });
}

/**
 * The files that an argument of `put` stands for: a file, a pattern, or with `recursive` all files of a directory.
 *
 * @throws QuorumError `invalid_argument`, `not_found`, `permission_denied`
 */
export async function* findLocal(
  argument: string,
  options: { readonly recursive: boolean; readonly links: Links },
): AsyncGenerator<LocalEntry, void, undefined> {
  switch (await kindOfLocal(argument)) {
    case "file":
      yield await look(argument, basename(argument));
      return;
    case "directory":
      if (!options.recursive) throw invalid(`${argument} is a directory; add -r to upload what is in it`);
      yield* walkLocal({ root: argument, links: options.links });
      return;
    case "pattern":
      yield* expand(argument, options.links === "follow");
  }
}

async function look(path: string, relative: string): Promise<LocalEntry> {
  try {
    const stats = await stat(path);
    const size = stats.isFile() ? stats.size : undefined;
    return { kind: "file", file: { path, relative, size, modifiedMs: stats.mtimeMs } };
  } catch (error) {
    return { kind: "problem", relative, problem: localError(`cannot look at ${path}`, error) };
  }
}

async function* expand(argument: string, follow: boolean): AsyncGenerator<LocalEntry, void, undefined> {
  const { base, pattern } = splitPattern(argument);
  // Links to files are taken, as a shell that expands the pattern would; links to directories lead on only if they are to be followed.
  const found = await glob([pattern], {
    cwd: resolve(base),
    dot: true,
    onlyFiles: true,
    expandDirectories: false,
    followSymbolicLinks: follow,
  });
  if (found.length === 0) {
    throw new QuorumError({ code: "not_found", message: `no local file matches ${argument}` });
  }
  for (const relative of found.sort()) yield await look(join(base, relative), relative.split(sep).join("/"));
}

/** A pattern is looked for below the last directory that it names in full. */
function splitPattern(pattern: string): { readonly base: string; readonly pattern: string } {
  const segments = pattern.split("/");
  const first = segments.findIndex((segment) => isDynamicPattern(segment));
  const base = segments.slice(0, first).join("/");
  return { base: base === "" ? (pattern.startsWith("/") ? "/" : ".") : base, pattern: segments.slice(first).join("/") };
}

/** Undefined if there is nothing. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw localError(`cannot look at ${path}`, error);
  }
}

export async function isDirectory(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() ?? false;
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
