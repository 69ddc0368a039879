import type { QuorumError } from "@quorumfs/core";

/** A local file as it was found. */
export interface LocalFile {
  readonly path: string;
  /** Where it goes below the target, with slashes: `css/main.css`. */
  readonly relative: string;
  /** Undefined for what only reading tells: a pipe, a device. */
  readonly size: number | undefined;
  readonly modifiedMs: number;
}

/** What was found where files were looked for: one, or something that is none that could be sent. */
export type LocalEntry =
  | { readonly kind: "file"; readonly file: LocalFile }
  /** `relative` undefined: its name is no text. */
  | { readonly kind: "problem"; readonly relative: string | undefined; readonly problem: QuorumError };

/** What becomes of symbolic links in directories. */
export type Links = (typeof linksChoices)[number];

/** Each is a problem; what it points to is taken; it is passed over. */
export const linksChoices = ["refuse", "follow", "skip"] as const;

export const linksOption = {
  choices: linksChoices,
  default: "refuse" as const,
  describe: "Symbolic links in directories: an error each, what they point to, or nothing",
  requiresArg: true,
};
