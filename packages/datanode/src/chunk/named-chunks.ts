import { Buffer } from "node:buffer";
import { type ChunkRange, QuorumError } from "@quorumfs/core";
import { uploadIdBytes } from "./chunk-key.js";

/** More than the manifest of the largest file can name, with its pages. */
const chunksMax = 8 * 1024 * 1024;

interface Span {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** The chunks of one file that some ranges name. */
export class NamedChunks {
  /** By upload, in hex; in order of index, without overlaps. */
  readonly #spans = new Map<string, readonly Span[]>();
  readonly uploads: readonly Uint8Array[];

  /** @throws QuorumError `invalid_argument` */
  constructor(ranges: readonly ChunkRange[]) {
    checkRanges(ranges, chunksMax);
    const byUpload = new Map<string, { readonly upload: Uint8Array; readonly spans: Span[] }>();
    for (const { upload, first, count } of ranges) {
      const name = nameOf(upload);
      const others = byUpload.get(name) ?? { upload, spans: [] };
      byUpload.set(name, others);
      others.spans.push({ first, end: first + count });
    }
    for (const [name, { spans }] of byUpload) this.#spans.set(name, joined(spans));
    this.uploads = [...byUpload.values()].map(({ upload }) => upload);
  }

  spansOf(upload: Uint8Array): readonly Span[] {
    return this.#spans.get(nameOf(upload)) ?? [];
  }

  has(upload: Uint8Array, index: number): boolean {
    const spans = this.spansOf(upload);
    let low = 0;
    let high = spans.length;
    // The first span that ends behind the index.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((spans[middle]?.end ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return (spans[low]?.first ?? Infinity) <= index;
  }
}

/** @throws QuorumError `invalid_argument` */
export function checkRanges(ranges: readonly ChunkRange[], max: number): void {
  let chunks = 0;
  for (const { upload, first, count } of ranges) {
    if (upload.length !== uploadIdBytes) throw invalid(`an upload id has ${uploadIdBytes} bytes`);
    if (count < 1 || first + count > 2 ** 32) throw invalid("a range of chunks is empty, or its indices are too high");
    chunks += count;
  }
  if (chunks > max) throw invalid(`at most ${max} chunks can be named at once, not ${chunks}`);
}

function joined(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.first - b.first)) {
    const last = result.at(-1);
    if (last && span.first <= last.end)
      result[result.length - 1] = { first: last.first, end: Math.max(last.end, span.end) };
    else result.push(span);
  }
  return result;
}

function nameOf(upload: Uint8Array): string {
  return Buffer.from(upload.buffer, upload.byteOffset, upload.length).toString("hex");
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
