import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { isDirectory, statOf } from "../adapters/find-local.js";
import { walkLocal } from "../adapters/local-tree.js";
import { type Context, operationOptions } from "../context.js";
import type { Links } from "../local-file.js";
import { directoryOf, filesUnder, nothingThere, splitRemote } from "../remote-files.js";
import type { Place, TreeEntry } from "./tree.js";

/**
 * Reads `./site`, `/srv/site`, `..` as local directories and everything else as `BUCKET/PREFIX`: by the text alone, so that
 * what a command deletes does not depend on what happens to be in the directory where it is run.
 *
 * @throws QuorumError `invalid_argument`
 */
export async function placeOf(operand: string): Promise<Place> {
  if (/^(\/|\.{1,2}(\/|$))/.test(operand)) return { kind: "local", root: operand };
  try {
    const { bucket, rest } = splitRemote(operand);
    return { kind: "remote", bucket, prefix: directoryOf(rest) };
  } catch (thrown) {
    if (await isDirectory(operand)) throw invalid(`${operand} is a directory here: write ./${operand} for it`);
    throw thrown;
  }
}

/** @throws QuorumError `invalid_argument`, `not_found` */
export async function checkPlaces(places: { source: Place; target: Place }): Promise<void> {
  const { source, target } = places;
  if (source.kind === "local") {
    if (target.kind === "local") {
      throw invalid("one of the two must be in the cluster: BUCKET or BUCKET/PREFIX, without ./ before it");
    }
    await requireDirectory(source.root, "source");
  } else if (target.kind === "local") {
    if (await statOf(target.root)) await requireDirectory(target.root, "target");
  } else {
    await requireNoDirectory(source);
    await requireNoDirectory(target);
    const isWithin = source.prefix.startsWith(target.prefix) || target.prefix.startsWith(source.prefix);
    if (source.bucket === target.bucket && isWithin) throw invalid("one of the two lies within the other");
  }
}

/** A path that was mistyped looks like one without files, and all of the target would be deleted. */
export async function requireFiles(context: Context, place: Place): Promise<void> {
  if (place.kind === "local") return;
  const cluster = await context.cluster();
  const { bucket, prefix } = place;
  for await (const _ of cluster.list(bucket, { ...operationOptions(context), prefix, pageSize: 1 })) return;
  throw nothingThere(`${bucket}/${prefix}`, false);
}

async function requireDirectory(root: string, role: string): Promise<void> {
  if (await isDirectory(root)) return;
  if (await statOf(root)) throw invalid(`the ${role} ${root} is no directory; a single file goes with put or get`);
  throw new QuorumError({ code: "not_found", message: `the ${role} ${root} does not exist` });
}

/** Two buckets were named, but perhaps one of them was meant to be a directory. */
async function requireNoDirectory({ bucket, prefix }: Place & { kind: "remote" }): Promise<void> {
  const text = `${bucket}/${prefix}`.replace(/\/$/, "");
  if (!(await isDirectory(text))) return;
  throw invalid(`${text} is a directory here: write ./${text} for it, or run this elsewhere to mean the cluster's`);
}

/** The files of a place in byte order of what they are called below it. */
export async function* filesOf(
  context: Context,
  place: Place,
  options: { readonly links: Links },
): AsyncGenerator<TreeEntry, void, undefined> {
  if (place.kind === "remote") {
    for await (const { name, path, size, etag, version } of filesUnder(context, place.bucket, place.prefix)) {
      const relative = path.slice(place.prefix.length);
      yield { kind: "file", file: { kind: "remote", relative, name, size, etag, version } };
    }
    return;
  }
  if (!(await statOf(place.root))) return;
  for await (const entry of walkLocal({ root: place.root, links: options.links })) {
    if (entry.kind === "problem") yield entry;
    else yield { kind: "file", file: { kind: "local", ...entry.file, size: entry.file.size ?? 0 } };
  }
}

/** What a file is called in a place. */
export function addressIn(place: Place, relative: string): string {
  return place.kind === "local" ? join(place.root, relative) : `${place.bucket}/${place.prefix}${relative}`;
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
