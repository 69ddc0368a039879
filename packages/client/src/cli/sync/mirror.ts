/**
 * Makes a place hold what another one holds. The order of things is what makes it safe to interrupt or to run while others
 * write: copies first, each on the condition that the target still is what it was when it was listed; deletions last, on
 * the same condition, and none at all if anything before them went wrong.
 */
import { parseFileName, QuorumError } from "@quorumfs/core";
import { hashLocal } from "../adapters/hash-local.js";
import { LinkGuard } from "../adapters/link-guard.js";
import { isInTheWay } from "../adapters/local-error.js";
import { removeLocal } from "../adapters/remove-local.js";
import { type Context, operationOptions, readOptions } from "../context.js";
import { consuming, download } from "../download.js";
import type { Links } from "../local-file.js";
import type { FileMeter } from "../transfer-meter.js";
import { forEachFile } from "../transfers.js";
import { upload } from "../upload.js";
import { type Pair, pairsOf } from "./pairs.js";
import { addressIn, filesOf } from "./place.js";
import type { LocalTreeFile, Place, RemoteTreeFile, TreeFile } from "./tree.js";

// What is to be deleted is remembered until all else is done: about 100 MiB at worst.
const deletionsMax = 500_000;

export interface Mirror {
  readonly source: Place;
  readonly target: Place;
  /** Delete what the source does not have. */
  readonly isExact: boolean;
  /** Only say what would be done. */
  readonly isTrial: boolean;
  readonly links: Links;
  readonly onAction: (action: MirrorAction) => Promise<void>;
}

export interface MirrorAction {
  readonly action: "upload" | "download" | "copy" | "delete" | "skip";
  /** Of the target: `bucket/path`, or a local path. */
  readonly to: string;
  /** Absent for deletions. */
  readonly from?: string;
  readonly bytes: number;
}

interface Guarded extends Mirror {
  readonly guard?: LinkGuard;
}

type Difference = { readonly source: TreeFile; readonly target: TreeFile | undefined };

/** @throws Reported, OutputClosed, QuorumError */
export async function mirror(context: Context, job: Mirror): Promise<void> {
  const { isExact, source, target, links } = job;
  const isGuarded = target.kind === "local" && links !== "follow";
  const options: Guarded = isGuarded ? { ...job, guard: new LinkGuard(target.root) } : job;
  let doneBefore = 0;
  const extras = new Extras();
  const blocked: Difference[] = [];
  const pairs = pairsOf(filesOf(context, source, options), filesOf(context, target, options));
  try {
    doneBefore = await forEachFile(context, extras.without(pairs), {
      bytesOf: (pair) => (pair.kind === "pair" && pair.source.size !== pair.target?.size ? pair.source.size : 0),
      act: async (pair, meter) => {
        if (pair.kind !== "pair") throw pair.problem;
        try {
          await settle(context, options, pair, meter);
        } catch (error) {
          if (!isExact || !isInTheWay(error)) throw error;
          // What is in its way is perhaps about to be deleted.
          blocked.push(pair);
        }
      },
    });
  } catch (thrown) {
    if (isExact && extras.files.length > 0)
      context.printer.note("quorumfs: nothing was deleted, since not all went well");
    throw thrown;
  }
  if (!isExact || context.stopping.aborted) return;
  doneBefore = await forEachFile(context, extras.files, {
    doneBefore,
    act: (file) => remove(context, options, file),
  });
  await forEachFile(context, blocked, {
    doneBefore,
    bytesOf: (pair) => pair.source.size,
    act: (pair, meter) => settle(context, options, pair, meter),
  });
  extras.conclude();
}

/** What only the target has. */
class Extras {
  readonly files: TreeFile[] = [];
  #surplus = 0;

  async *without(pairs: AsyncIterable<Pair>): AsyncGenerator<Exclude<Pair, { kind: "extra" }>, void, undefined> {
    for await (const pair of pairs) {
      if (pair.kind !== "extra") yield pair;
      else if (this.files.length < deletionsMax) this.files.push(pair.target);
      else this.#surplus += 1;
    }
  }

  /** @throws QuorumError if there are more */
  conclude(): void {
    if (this.#surplus === 0) return;
    throw new QuorumError({
      code: "resource_exhausted",
      message: `${this.#surplus} more files are to be deleted than are remembered at a time; run the command again`,
    });
  }
}

/** Makes one file of the target what it is in the source. */
async function settle(
  context: Context,
  options: Guarded,
  { source, target }: Difference,
  meter: FileMeter,
): Promise<void> {
  const { onAction, isTrial } = options;
  const action = { to: addressIn(options.target, source.relative), from: addressOf(source), bytes: source.size };
  if (target && source.size === target.size && (await etagOf(source)) === (await etagOf(target))) {
    return onAction({ action: "skip", ...action });
  }
  if (isTrial) return onAction({ action: verbOf(source, options.target), ...action });
  await options.guard?.check(source.relative);
  await copy(context, { source, target, to: action.to, isLocal: options.target.kind === "local", meter });
  await onAction({ action: verbOf(source, options.target), ...action });
}

interface Copy extends Difference {
  readonly to: string;
  readonly isLocal: boolean;
  readonly meter: FileMeter;
}

async function copy(context: Context, { source, target, to, isLocal, meter }: Copy): Promise<void> {
  if (source.kind === "local") return send(context, { source, target, to, meter });
  if (isLocal) {
    const replacing = target?.kind === "local" ? target : "nothing";
    await download(context, { name: source.name, path: to, meter, replacing });
    return;
  }
  const cluster = await context.cluster();
  const { body, file } = await cluster.read(source.name, readOptions(context));
  await consuming(body, (content) =>
    cluster.put(to, content, {
      ...operationOptions(context),
      ...unchanged(target),
      size: file.size,
      attributes: file.attributes,
      onProgress: (progress) => meter.progress(progress),
    }),
  );
}

async function send(
  context: Context,
  { source, target, to, meter }: Omit<Copy, "isLocal"> & { source: LocalTreeFile },
): Promise<void> {
  const { path } = source;
  parseFileName(to);
  const options = unchanged(target);
  // One that was interrupted goes on by itself: what is to be done is the same.
  const { isOutdated } = await upload(context, { path, name: to, meter, options, resume: true, expected: source });
  // The earlier upload had taken effect after all, and was overwritten before this command looked.
  if (isOutdated) await upload(context, { path, name: to, meter, options, resume: false, expected: source });
}

async function remove(context: Context, options: Mirror, file: TreeFile): Promise<void> {
  const { isTrial, onAction, target } = options;
  if (isTrial) return onAction({ action: "delete", to: addressOf(file), bytes: file.size });
  if (file.kind === "local") {
    if (target.kind === "local") await removeLocal(target.root, file);
  } else {
    await removeRemote(context, file);
  }
  await onAction({ action: "delete", to: addressOf(file), bytes: file.size });
}

async function removeRemote(context: Context, { name, version }: RemoteTreeFile): Promise<void> {
  const cluster = await context.cluster();
  try {
    await cluster.delete(name, { ...operationOptions(context), ifVersion: version });
  } catch (thrown) {
    // Somebody else was faster.
    if (!(thrown instanceof QuorumError && thrown.code === "not_found")) throw thrown;
  }
}

/** The condition that nobody has touched the target since it was listed. */
function unchanged(target: TreeFile | undefined): { readonly ifVersion: number } | { readonly ifAbsent: true } {
  return target?.kind === "remote" ? { ifVersion: target.version } : { ifAbsent: true };
}

async function etagOf(file: TreeFile): Promise<string> {
  return file.kind === "remote" ? file.etag : hashLocal(file.path);
}

function verbOf(source: TreeFile, target: Place): "upload" | "download" | "copy" {
  if (source.kind === "local") return "upload";
  return target.kind === "local" ? "download" : "copy";
}

function addressOf(file: TreeFile): string {
  return file.kind === "local" ? file.path : file.name;
}
