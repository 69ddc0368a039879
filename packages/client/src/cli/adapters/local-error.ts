import { types } from "node:util";
import { type ErrorCode, QuorumError } from "@quorumfs/core";

/** What went wrong with a local file: `cannot read notes.txt: permission denied`. */
export function localError(what: string, error: unknown): QuorumError {
  if (error instanceof QuorumError) return error;
  const { code, reason } = isNodeError(error) ? verdictOf(error) : { code: "internal" as const, reason: String(error) };
  return new QuorumError({ code, message: `${what}: ${reason}`, cause: error });
}

function verdictOf(error: NodeJS.ErrnoException): { readonly code: ErrorCode; readonly reason: string } {
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return { code: "permission_denied", reason: "permission denied" };
    case "EROFS":
      return { code: "permission_denied", reason: "the file system is read-only" };
    case "ENOENT":
      return { code: "not_found", reason: "no such file or directory" };
    case "ENOSPC":
    case "EDQUOT":
      return { code: "resource_exhausted", reason: "the disk is full" };
    case "EMFILE":
    case "ENFILE":
      return { code: "resource_exhausted", reason: "too many files are open" };
    case "EEXIST":
    case "ENOTDIR":
      return { code: "invalid_argument", reason: "a file stands where a directory is needed" };
    case "EISDIR":
    case "ENOTEMPTY":
      return { code: "invalid_argument", reason: "a directory stands where the file is to be" };
    case "ENAMETOOLONG":
      return { code: "invalid_argument", reason: "the name is too long for this file system" };
    case "ELOOP":
      return { code: "invalid_argument", reason: "symbolic links lead in a circle" };
    case undefined:
    default:
      return { code: "internal", reason: error.message };
  }
}

/** Whether a local file could not be written because a file or directory of that name is in its way. */
export function isInTheWay(error: unknown): boolean {
  const cause = error instanceof QuorumError ? error.cause : error;
  return isNodeError(cause) && ["EEXIST", "ENOTDIR", "EISDIR", "ENOTEMPTY"].includes(cause.code ?? "");
}

export function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && "code" in error;
}

/** Nothing is there, or what leads there is no directory. */
export function isMissing(error: unknown): boolean {
  return isNodeError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
