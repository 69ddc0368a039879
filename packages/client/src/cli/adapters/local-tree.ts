/**
 * Walks a directory in byte order of the paths, which is the order of listings, so that two trees can be compared while
 * both are being read. Holds the names of one directory per level, never the whole tree.
 */
import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
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

interface Directory {
  readonly path: string;
  /** Below the root: empty, or with a slash at its end. */
  readonly relative: string;
  /** Those that it lies in, itself the last. */
  readonly identities: readonly string[];
}

interface Child {
  /** Its name; with a slash at the end of directories: then byte order of siblings is byte order of whole paths. */
  readonly key: Buffer;
  readonly isDirectory: boolean;
}

/** All files below a directory. @throws QuorumError if the directory itself cannot be read */
export async function* walkLocal(walk: Walk): AsyncGenerator<LocalEntry, void, undefined> {
  const top = await look(walk.root, stat);
  if (top instanceof QuorumError) throw top;
  yield* walkDirectory(walk, { path: walk.root, relative: "", identities: [identityOf(top)] });
}

async function* walkDirectory(walk: Walk, directory: Directory): AsyncGenerator<LocalEntry, void, undefined> {
  const children = await childrenOf(walk, directory);
  for (let at = 0; at < children.length; at += statsAtOnce) {
    const some = children.slice(at, at + statsAtOnce);
    const looked = some.map(async (child) => ({ child, found: await look(pathOf(directory, child), statFor(walk)) }));
    for (const { child, found } of await Promise.all(looked)) yield* entriesOf(walk, directory, child, found);
  }
}

async function childrenOf(walk: Walk, { path }: Directory): Promise<readonly Child[]> {
  let found: Dirent<Buffer>[];
  try {
    found = await readdir(path, { encoding: "buffer", withFileTypes: true });
  } catch (error) {
    throw localError(`cannot read ${path}`, error);
  }
  const children: Child[] = [];
  for (const entry of found) {
    const isLink = entry.isSymbolicLink();
    if (isLink && walk.links === "skip") continue;
    const isDirectory =
      entry.isDirectory() || (isLink && walk.links === "follow" && (await leadsToDirectory(path, entry)));
    children.push({ key: isDirectory ? Buffer.concat([entry.name, slash]) : entry.name, isDirectory });
  }
  return children.sort((a, b) => Buffer.compare(a.key, b.key));
}

const slash = Buffer.from("/");

async function leadsToDirectory(directory: string, { name }: Dirent<Buffer>): Promise<boolean> {
  const found = await look(join(directory, name.toString("utf8")), stat);
  return !(found instanceof QuorumError) && found.isDirectory();
}

async function* entriesOf(
  walk: Walk,
  directory: Directory,
  child: Child,
  found: Stats | QuorumError,
): AsyncGenerator<LocalEntry, void, undefined> {
  const path = pathOf(directory, child);
  const relative = directory.relative + child.key.toString("utf8");
  if (!Buffer.from(child.key.toString("utf8"), "utf8").equals(child.key)) {
    yield { kind: "problem", relative: undefined, problem: invalid(`${path} cannot be stored: its name is not UTF-8`) };
  } else if (found instanceof QuorumError) {
    yield { kind: "problem", relative, problem: found };
  } else if (!child.isDirectory) {
    yield entryOf({ path, relative }, found);
  } else if (directory.identities.includes(identityOf(found))) {
    yield { kind: "problem", relative, problem: invalid(`${path} leads back to where it is in`) };
  } else {
    const identities = [...directory.identities, identityOf(found)];
    try {
      yield* walkDirectory(walk, { path, relative, identities });
    } catch (error) {
      yield { kind: "problem", relative, problem: localError(`cannot read ${path}`, error) };
    }
  }
}

function entryOf({ path, relative }: { path: string; relative: string }, found: Stats): LocalEntry {
  if (found.isFile()) {
    return { kind: "file", file: { path, relative, size: found.size, modifiedMs: found.mtimeMs } };
  }
  const fault = found.isSymbolicLink()
    ? "is a symbolic link; say --links follow or --links skip"
    : "is no regular file, so it has no content to keep";
  return { kind: "problem", relative, problem: invalid(`${path} ${fault}`) };
}

async function look(path: string, how: (path: string) => Promise<Stats>): Promise<Stats | QuorumError> {
  try {
    return await how(path);
  } catch (error) {
    return localError(`cannot look at ${path}`, error);
  }
}

function statFor({ links }: Walk): (path: string) => Promise<Stats> {
  return links === "follow" ? stat : lstat;
}

function pathOf(directory: Directory, { key, isDirectory }: Child): string {
  const name = isDirectory ? key.subarray(0, -1) : key;
  return join(directory.path, name.toString("utf8"));
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
