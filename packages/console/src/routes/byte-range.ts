/** What a Range header asks for; undefined: nothing that we answer in parts, and so the whole. */
export type ByteRange =
  | { readonly from: number; readonly length: number | undefined }
  /** That many at the end. */
  | { readonly last: number };

/** @see RFC 9110, 14.1.2: several ranges, and what is no range, may be answered with the whole */
export function parseByteRange(header: string | undefined): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec((header ?? "").trim());
  if (!match) return undefined;
  const [from, to] = [numberIn(match[1]), numberIn(match[2])];
  if (from === undefined) return to === undefined ? undefined : { last: to };
  if (to === undefined) return { from, length: undefined };
  return to < from ? undefined : { from, length: to - from + 1 };
}

function numberIn(digits: string | undefined): number | undefined {
  const value = digits === undefined || digits === "" ? NaN : Number(digits);
  return Number.isSafeInteger(value) ? value : undefined;
}
