import type { Ballot } from "./ballot.js";

/** One mutation that is part of a value's history: who asked for it, and the counter of the version that it made. */
export interface RequestMark {
  /** 16 bytes, chosen by the client. */
  readonly requestId: Uint8Array;
  /** 0: it made none and never will, for its condition did not hold. */
  readonly counter: number;
}

/** How many of its last mutations a value remembers. */
export const ringSizeMax = 8;

/**
 * Where a value's bytes are. A vote moves version numbers, not copies of the bytes: replicas answer `omitted` unless
 * they were asked for the content.
 */
export type Content =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "manifest"; readonly bytes: Uint8Array }
  | { readonly kind: "omitted" }
  | { readonly kind: "none" };

/** Content up to this size lives in the record itself. */
export const inlineBytesMax = 128 * 1024;

/** What the replicas of a file agree on. A deleted file is a tombstone, so that a delete is a write like any other. */
export interface Value {
  readonly kind: "live" | "tombstone";
  /** The ballot at which this content was first accepted; its counter is the version that users see. */
  readonly version: Ballot;
  /** Bytes of the content; 0 for a tombstone. */
  readonly size: number;
  /** SHA-256 of the content, 32 bytes; empty for a tombstone. */
  readonly etag: Uint8Array;
  /** The coordinator's wall clock at the write, for people to read. */
  readonly modifiedAtMs: number;
  readonly content: Content;
  readonly attributes: ReadonlyMap<string, string>;
  /** The last mutations, oldest first; at most {@link ringSizeMax}. */
  readonly ring: readonly RequestMark[];
}

const omitted: Content = Object.freeze({ kind: "omitted" });

/** The value as it goes into a reply that was not asked for content. */
export function withoutContent(value: Value): Value {
  return value.content.kind === "inline" || value.content.kind === "manifest" ? { ...value, content: omitted } : value;
}

export function hasContent(value: Value): boolean {
  return value.content.kind !== "omitted";
}
