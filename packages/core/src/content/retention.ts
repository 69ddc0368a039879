/**
 * How long a DataNode keeps a chunk: PROTOCOL.md, "When a chunk may go". Notices of chosen versions come late, twice, or
 * never, and the rules hold in any order of them:
 *
 * - What the newest version names that this node has heard of is kept.
 * - An upload that some chosen version has named had its one mutation, so what a newer version leaves out of it never
 *   comes back, and may go.
 * - An upload that no version has named may still be on its way to its vote. It goes only after its lease, and after an
 *   identity round on its file has settled what could still be chosen.
 */
import { type Ballot, compareBallots } from "../register/ballot.js";

/** What a DataNode knows about an upload. */
export type UploadStanding =
  /** No chosen version is known to have named it; its owner may still be at work until then (wall clock, ms). */
  | { readonly kind: "leased"; readonly untilMs: number }
  /** A chosen version has named it. */
  | { readonly kind: "kept" };

/** What a notice of a chosen version means for one chunk. */
export type ChunkFate = "keep" | "retire" | "leave";

/** Whether a notice says anything new. @param known the newest version heard of; undefined: none */
export function isNews(known: Ballot | undefined, version: Ballot): boolean {
  return known === undefined || compareBallots(version, known) >= 0;
}

/**
 * What becomes of a chunk when a version is known that {@link isNews}.
 *
 * @param options.named the version is made of this chunk, among others
 * @param options.afterIdentityRound nothing older than this version can be chosen any more
 */
export function fateOf(options: {
  readonly named: boolean;
  readonly upload: UploadStanding;
  readonly afterIdentityRound: boolean;
  readonly nowMs: number;
}): ChunkFate {
  const { named, upload, afterIdentityRound, nowMs } = options;
  if (named) return "keep";
  if (upload.kind === "kept") return "retire";
  return afterIdentityRound && isLeaseOver(upload, nowMs) ? "retire" : "leave";
}

/** An upload after one more chunk of it, or a renewal: a lease is never shortened, also if the wall clock goes back. */
export function renewed(
  upload: UploadStanding | undefined,
  time: { readonly nowMs: number; readonly leaseMs: number },
): UploadStanding {
  if (upload?.kind === "kept") return upload;
  return { kind: "leased", untilMs: Math.max(upload?.untilMs ?? 0, time.nowMs + time.leaseMs) };
}

export function isLeaseOver(upload: UploadStanding, nowMs: number): boolean {
  return upload.kind === "leased" && upload.untilMs <= nowMs;
}

/**
 * A chunk that was retired from an upload which never was named comes back when that upload goes on: its bytes are as good
 * as those that would be sent again. One of an upload that was named does not: nothing can name it any more.
 */
export function isRevivable(upload: UploadStanding): boolean {
  return upload.kind === "leased";
}
