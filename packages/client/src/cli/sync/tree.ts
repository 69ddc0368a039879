import type { QuorumError } from "@quorumfs/core";

/** Files below a local directory, or below a path in a bucket. */
export type Place =
  /** Absolute or relative to the process's directory. */
  | { readonly kind: "local"; readonly root: string }
  /** `prefix` is empty or ends with a slash. */
  | { readonly kind: "remote"; readonly bucket: string; readonly prefix: string };

export type LocalTreeFile = {
  readonly kind: "local";
  /** Below the place, with slashes. */
  readonly relative: string;
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
};

export type RemoteTreeFile = {
  readonly kind: "remote";
  readonly relative: string;
  /** `bucket/path`. */
  readonly name: string;
  readonly size: number;
  readonly etag: string;
  readonly version: number;
};

export type TreeFile = LocalTreeFile | RemoteTreeFile;

export type TreeEntry =
  | { readonly kind: "file"; readonly file: TreeFile }
  /** Something that is no file, or could not be looked at. `relative` undefined: its name is no text. */
  | { readonly kind: "problem"; readonly relative: string | undefined; readonly problem: QuorumError };
