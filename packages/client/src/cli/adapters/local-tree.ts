/**
 * Walks a directory in byte order of the paths, which is the order of listings, so that two trees can be compared while
 * both are being read. Holds the names of one directory per level, never the whole tree.
 */
import { lstat, readdir, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import type { Links, LocalEntry } from "../local-file.js";
import { localError } from "./local-error.js";

// Hides what a call to the file system takes to come back, and floods no thread pool.
const statsAtOnce = 32;

interface Walk {
  readonly root: string;
  readonly links: Links;
}

interface Child {
  readonly path: string;
  /** With a slash at the end of directories: then byte order of siblings is byte order of whole paths. */
  readonly key: Buffer;
  readonly relative: string;
  readonly found: Stats | QuorumError | "nameless";
}

/** All files below a directory. @throws QuorumError if the directory itself cannot be read */
export async function* walkLocal(walk: Walk): AsyncGenerator<LocalEntry, void, undefined> {
  let top: Stats;
  try {
    top = await stat(walk.root);
  } catch (error) {
    throw localError(`cannot look at ${walk.root}`, error);
  }
  yield* walkDirectory(walk, walk.root, "", [identityOf(top)]);
}

async function* walkDirectory(
  walk: Walk,
  directory: string,
  above: string,
  ancestors: readonly string[],
): AsyncGenerator<LocalEntry, void, undefined> {
  for (const child of await childrenOf(walk, directory, above)) {
    const { found, path, relative } = child;
    if (found === "nameless") {
      yield {
        kind: "problem",
        relative: undefined,
        problem: invalid(`${path} cannot be stored: its name is not UTF-8`),
      };
    } else if (found instanceof QuorumError) yield { kind: "problem", relative, problem: found };
    else if (found.isSymbolicLink() && walk.links === "skip") continue;
    else if (!found.isDirectory()) yield entryOf(child, found);
    else if (ancestors.includes(identityOf(found))) yield problem(relative, `${path} leads back to where it is in`);
    else {
      try {
        yield* walkDirectory(walk, path, `${relative}/`, [...ancestors, identityOf(found)]);
      } catch (error) {
        yield { kind: "problem", relative: `${relative}/`, problem: localError(`cannot read ${path}`, error) };
      }
    }
  }
}

async function childrenOf(walk: Walk, directory: string, above: string): Promise<readonly Child[]> {
  let names: Buffer[];
  try {
    names = await readdir(directory, { encoding: "buffer" });
  } catch (error) {
    throw localError(`cannot read ${directory}`, error);
  }
  const children: Child[] = [];
  for (let at = 0; at < names.length; at += statsAtOnce) {
    const some = names.slice(at, at + statsAtOnce);
    children.push(...(await Promise.all(some.map((name) => look(walk, directory, above, name)))));
  }
  return children.sort((a, b) => Buffer.compare(a.key, b.key));
}

async function look(walk: Walk, directory: string, above: string, name: Buffer): Promise<Child> {
  const text = name.toString("utf8");
  const path = join(directory, text);
  const child = { path, key: name, relative: above + text };
  if (!Buffer.from(text, "utf8").equals(name)) return { ...child, found: "nameless" };
  try {
    const found = await (walk.links === "follow" ? stat(path) : lstat(path));
    return found.isDirectory()
      ? { ...child, key: Buffer.concat([name, Buffer.from("/")]), found }
      : { ...child, found };
  } catch (error) {
    return { ...child, found: localError(`cannot look at ${path}`, error) };
  }
}

function entryOf({ path, relative }: Child, found: Stats): LocalEntry {
  if (found.isFile()) {
    return { kind: "file", file: { path, relative, size: found.size, modifiedMs: found.mtimeMs } };
  }
  if (found.isSymbolicLink())
    return problem(relative, `${path} is a symbolic link; say --links follow or --links skip`);
  return problem(relative, `${path} is no regular file, so it has no content to keep`);
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function problem(relative: string, message: string): LocalEntry {
  return { kind: "problem", relative, problem: invalid(message) };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
