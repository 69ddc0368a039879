import { QuorumError } from "@quorumfs/core";

/** Bytes of a file, as `--range` names them; both ends count, as in HTTP. */
export type ByteRange =
  | { readonly kind: "between"; readonly start: number; readonly end: number }
  | { readonly kind: "from"; readonly start: number }
  | { readonly kind: "last"; readonly count: number };

/** Reads `100-199`, `100-`, `-100`. @throws QuorumError `invalid_argument` */
export function parseByteRange(text: string): ByteRange {
  const [, first = "", last = ""] = /^(\d*)-(\d*)$/.exec(text.trim()) ?? [];
  const [start, end] = [Number(first), Number(last)];
  const isPossible = (first !== "" || last !== "") && Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!isPossible) throw invalid(text, "is no range of bytes");
  if (first === "") {
    if (end === 0) throw invalid(text, "is empty");
    return { kind: "last", count: end };
  }
  if (last === "") return { kind: "from", start };
  if (end < start) throw invalid(text, "ends before it begins");
  return { kind: "between", start, end };
}

/**
 * Where a range lies in a file; what it has beyond the file's end does not count.
 *
 * @throws QuorumError `invalid_argument` if none of it is in the file
 */
export function locateRange(range: ByteRange, size: number): { readonly offset: number; readonly length: number } {
  const offset = range.kind === "last" ? Math.max(0, size - range.count) : range.start;
  const end = range.kind === "between" ? Math.min(size, range.end + 1) : size;
  if (offset < end) return { offset, length: end - offset };
  throw new QuorumError({
    code: "invalid_argument",
    message: `the range begins at byte ${offset}, but the file has ${size} bytes, counted from 0`,
  });
}

function invalid(text: string, fault: string): QuorumError {
  return new QuorumError({
    code: "invalid_argument",
    message: `--range ${text} ${fault}; write START-END, START- or -LAST in bytes, both ends included: 0-99, 100-, -100`,
  });
}
