import { QuorumError } from "@quorumfs/core";

/** The system's own name of an error: `ENOENT`. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** There is no such file. */
export function isMissing(error: unknown): boolean {
  return systemCodeOf(error) === "ENOENT";
}

// The disk, the user's share of it, the largest allowed file; the process' or the system's table of open files.
const exhaustionCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE"]);

/** The error for a caller if something has run out, which says nothing about what the disk holds; else undefined. */
export function exhaustionOf(error: unknown): QuorumError | undefined {
  const code = systemCodeOf(error);
  if (code === undefined || !exhaustionCodes.has(code)) return undefined;
  const what = code === "EMFILE" || code === "ENFILE" ? "too many files are open" : "the disk is full";
  return new QuorumError({ code: "resource_exhausted", message: `${what} (${code})`, cause: error });
}
