/** One version of a file, to be read from its beginning or from elsewhere. */
import { ReadableStream } from "node:stream/web";
import { QuorumError } from "@quorumfs/core";
import type { FoundFile } from "../file-calls.js";
import type { GetOptions } from "../options.js";
import { Download } from "./download.js";
import { extentsOf } from "./file-extents.js";
import type { FileRange } from "./file-range.js";
import type { Lifetime } from "./lifetime.js";
import { ownerOf } from "./owner.js";
import { Progress } from "./progress.js";
import { Renewal } from "./renewal.js";
import type { TransferContext } from "./transfer-context.js";
import type { NextPiece } from "./upload-content.js";

export interface FileReadOptions extends Pick<GetOptions, "onProgress"> {
  readonly range: FileRange;
  readonly timeoutMs: number;
  /** Of the reading. Done when the last byte was handed out, ended when reading failed. */
  readonly lifetime: Lifetime;
}

/** Begins to fetch, and hands out what is there: verified, in order. */
export async function readFile(
  context: TransferContext,
  found: FoundFile,
  options: FileReadOptions,
): Promise<NextPiece> {
  const { range, lifetime, onProgress } = options;
  const progress = new Progress(context.clock, { tell: onProgress, totalBytes: range.length, lifetime });
  const next = found.kind === "inline" ? onePiece(found.bytes, range) : await chunkReader(context, found, options);
  return async () => {
    try {
      const piece = await next();
      if (piece) progress.add(piece.length);
      else {
        progress.finish();
        lifetime.check();
        lifetime.done();
      }
      return piece;
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      lifetime.end(error);
      throw error;
    }
  };
}

function onePiece(bytes: Uint8Array, { offset, length }: FileRange): NextPiece {
  let rest: Uint8Array | undefined = length === 0 ? undefined : bytes.subarray(offset, offset + length);
  return async () => {
    const piece = rest;
    rest = undefined;
    return piece;
  };
}

async function chunkReader(
  context: TransferContext,
  found: Extract<FoundFile, { kind: "manifest" }>,
  options: FileReadOptions,
): Promise<NextPiece> {
  const { file, manifest } = found;
  const { range, timeoutMs, lifetime } = options;
  const { name, size } = file;
  const owner = await ownerOf(context, name, lifetime);
  const extents = await extentsOf(context, { name, owner, size, manifest }, { timeoutMs, lifetime });
  const etag = range.length === size ? file.etag : undefined;
  const download = new Download(context, { name, owner, extents, range, etag, timeoutMs, lifetime });
  const renewal = new Renewal(context, { name, owner, extents, lifetime });
  return () => {
    renewal.onRead();
    return download.next();
  };
}

/** What `next` delivers, as fast as it is taken and no faster. */
export function streamOf(next: NextPiece, lifetime: Lifetime): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const piece = await next();
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
      cancel: (reason) => {
        lifetime.end(new QuorumError({ code: "cancelled", message: "the reader has cancelled", cause: reason }));
      },
    },
    { highWaterMark: 0 },
  );
}
