import { randomUUID } from "node:crypto";
import { unlinkSync } from "node:fs";
import { chmod, mkdir, open, rename, stat, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { glob, isDynamicPattern } from "tinyglobby";

export interface LocalFile {
  readonly path: string;
  /** Where it goes below the target, with slashes: `css/main.css`. */
  readonly relative: string;
  readonly size: number;
}

/**
 * The files that an argument of `put` stands for: a file, a pattern, or with `recursive` all files of a directory.
 *
 * @throws QuorumError `invalid_argument`, `not_found`
 */
export async function findLocal(argument: string, recursive: boolean): Promise<readonly LocalFile[]> {
  const stats = await statOf(argument);
  if (stats?.isDirectory()) {
    if (!recursive) throw invalid(`${argument} is a directory; add -r to upload what is in it`);
    return expand("**", argument);
  }
  if (stats) return [{ path: argument, relative: basename(argument), size: stats.size }];
  if (!isDynamicPattern(argument)) {
    throw new QuorumError({ code: "not_found", message: `local file ${argument} does not exist` });
  }
  const { base, pattern } = splitPattern(argument);
  const files = await expand(pattern, base);
  if (files.length > 0) return files;
  throw new QuorumError({ code: "not_found", message: `no local file matches ${argument}` });
}

/** A pattern is looked for below the last directory that it names in full. */
function splitPattern(pattern: string): { readonly base: string; readonly pattern: string } {
  const segments = pattern.split("/");
  const first = segments.findIndex((segment) => isDynamicPattern(segment));
  const base = segments.slice(0, first).join("/");
  return { base: base === "" ? (pattern.startsWith("/") ? "/" : ".") : base, pattern: segments.slice(first).join("/") };
}

async function expand(pattern: string, directory: string): Promise<readonly LocalFile[]> {
  const root = resolve(directory);
  const found = await glob([pattern], {
    cwd: root,
    dot: true,
    absolute: true,
    onlyFiles: true,
    expandDirectories: false,
  });
  const files: LocalFile[] = [];
  for (const path of found.sort()) {
    const stats = await statOf(path);
    if (stats) files.push({ path, relative: relative(root, path).split(sep).join("/"), size: stats.size });
  }
  return files;
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isNodeError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw localError(`cannot look at ${path}`, error);
  }
}

export async function isDirectory(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() ?? false;
}

/** At most `bytesMax + 1` bytes, so that a file that grows meanwhile is noticed and nothing endless is read. */
export async function readLocal(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const chunks: Buffer[] = [];
      let length = 0;
      while (length <= bytesMax) {
        const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(bytesMax + 1 - length) });
        if (bytesRead === 0) break;
        chunks.push(buffer.subarray(0, bytesRead));
        length += bytesRead;
      }
      return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw localError(`cannot read ${path}`, error);
  }
}

// Temporary names that are in use, so that a second Ctrl-C, which ends the process at once, leaves none behind.
const unfinished = new Set<string>();
process.on("exit", () => {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // It was renamed or removed a moment ago, or nothing can be done.
    }
  }
});

/** Writes a file whole or not at all, with the directories that lead to it: under another name first, then renamed. */
export async function writeLocal(path: string, content: Uint8Array): Promise<void> {
  try {
    const existing = await statOf(path);
    if (existing && !existing.isFile()) {
      if (existing.isDirectory()) throw invalid(`${path} is a directory`);
      // A device or a pipe cannot be replaced.
      await writeFile(path, content);
      return;
    }
    await mkdir(dirname(path), { recursive: true });
    const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomUUID()}.part`);
    unfinished.add(temporary);
    try {
      await writeFile(temporary, content, { flag: "wx" });
      if (existing) await chmod(temporary, existing.mode);
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    } finally {
      unfinished.delete(temporary);
    }
  } catch (error) {
    throw localError(`cannot write ${path}`, error);
  }
}

function localError(what: string, error: unknown): QuorumError {
  if (error instanceof QuorumError) return error;
  const reason = isNodeError(error) ? reasonOf(error) : String(error);
  return new QuorumError({ code: codeOf(error), message: `${what}: ${reason}`, cause: error });
}

function codeOf(error: unknown): "permission_denied" | "not_found" | "internal" {
  if (!isNodeError(error)) return "internal";
  if (error.code === "EACCES" || error.code === "EPERM") return "permission_denied";
  return error.code === "ENOENT" ? "not_found" : "internal";
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOENT":
      return "no such file or directory";
    case "ENOSPC":
      return "the disk is full";
    case "EEXIST":
    case "ENOTDIR":
      return "a file stands where a directory is needed";
    case undefined:
    default:
      return error.message;
  }
}

function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
