import { comparePaths, type QuorumError } from "@quorumfs/core";
import type { TreeEntry, TreeFile } from "./tree.js";

/** What is called the same on both sides, or is on one side only. */
export type Pair =
  | { readonly kind: "pair"; readonly source: TreeFile; readonly target: TreeFile | undefined }
  /** The name is taken by something that is no file. */
  | { readonly kind: "blocked"; readonly source: TreeFile; readonly problem: QuorumError }
  | { readonly kind: "extra"; readonly target: TreeFile }
  /** What is there is not known to its end. */
  | { readonly kind: "problem"; readonly problem: QuorumError };

/** Compares two trees while both are being read; each comes in byte order. */
export async function* pairsOf(
  source: AsyncIterable<TreeEntry>,
  target: AsyncIterable<TreeEntry>,
): AsyncGenerator<Pair, void, undefined> {
  const sources = source[Symbol.asyncIterator]();
  const targets = target[Symbol.asyncIterator]();
  try {
    let [from, to] = await Promise.all([sources.next(), targets.next()]);
    while (!from.done || !to.done) {
      const order = from.done ? 1 : to.done ? -1 : compare(from.value, to.value);
      const left = order <= 0 && !from.done ? from.value : undefined;
      const right = order >= 0 && !to.done ? to.value : undefined;
      yield* match(left, right);
      [from, to] = await Promise.all([left ? sources.next() : from, right ? targets.next() : to]);
    }
  } finally {
    await Promise.all([sources.return?.(), targets.return?.()]);
  }
}

function* match(source: TreeEntry | undefined, target: TreeEntry | undefined): Generator<Pair, void, undefined> {
  if (source?.kind === "problem") yield { kind: "problem", problem: source.problem };
  else if (target?.kind === "problem") {
    if (source) yield { kind: "blocked", source: source.file, problem: target.problem };
    // A link or a device that nothing is to replace is let be.
    else if (target.problem.code !== "invalid_argument") yield { kind: "problem", problem: target.problem };
  } else if (source) yield { kind: "pair", source: source.file, target: target?.file };
  else if (target) yield { kind: "extra", target: target.file };
}

/** What has no name stands where it is; it is taken first, and alone. */
function compare(source: TreeEntry, target: TreeEntry): number {
  const [from, to] = [nameOf(source), nameOf(target)];
  if (source.kind === "problem" || from === undefined) return -1;
  return to === undefined ? 1 : comparePaths(from, to);
}

function nameOf(entry: TreeEntry): string | undefined {
  return entry.kind === "file" ? entry.file.relative : entry.relative;
}
