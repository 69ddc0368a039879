import { QuorumError } from "@quorumfs/core";
import type { FileInfo } from "../file-info.js";

export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** What a caller's range is of this file: cut off at its end. @throws QuorumError `invalid_argument` if it begins behind it */
export function rangeOf(
  file: FileInfo,
  wanted: { readonly offset?: number | undefined; readonly length?: number | undefined },
): FileRange {
  const { offset = 0, length = file.size } = wanted;
  checkNumber("offset", offset);
  checkNumber("length", length);
  if (offset > file.size) throw invalid(`${file.name} has ${file.size} bytes; there is nothing at offset ${offset}`);
  return { offset, length: Math.min(length, file.size - offset) };
}

function checkNumber(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${what} must be a whole number of bytes, got ${value}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
