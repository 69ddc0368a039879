/** Content of any size into one file: what is small in one call, the rest in chunks. */
import { inlineBytesMax, parseFileName, QuorumError } from "@quorumfs/core";
import type { Condition, Mutation } from "@quorumfs/proto";
import type { FileContent, FileInfo, PutResult } from "../file-info.js";
import type { PutOptions } from "../options.js";
import type { Follower } from "../follow/follower.js";
import { toHex } from "../wire.js";
import { commit } from "./commit.js";
import { ContentReader } from "./content-reader.js";
import type { Lifetime } from "./lifetime.js";
import { ownerOf } from "./owner.js";
import { Progress } from "./progress.js";
import type { TransferContext } from "./transfer-context.js";
import { Upload } from "./upload.js";
import { type NextPiece, sha256Running, uploadContent } from "./upload-content.js";

/** What a put asks for, checked. */
export interface CheckedPutOptions extends Omit<PutOptions, "attributes"> {
  readonly timeoutMs: number;
  readonly mutation: Mutation;
  readonly attributes: Map<string, string>;
  readonly follower?: Follower | undefined;
}

/** Small and in memory: nothing needs to be read to know that. */
export function isSmall(content: FileContent): content is Uint8Array | string {
  if (typeof content === "string") return content.length <= inlineBytesMax / 3;
  return content instanceof Uint8Array && content.length <= inlineBytesMax;
}

export async function putContent(
  context: TransferContext,
  name: string,
  content: FileContent,
  call: { readonly options: CheckedPutOptions; readonly lifetime: Lifetime },
): Promise<PutResult> {
  const { options, lifetime } = call;
  const { attributes, mutation, timeoutMs, signal, onProgress, follower } = options;
  parseFileName(name);
  const reader = new ContentReader(name, content, options);
  try {
    const head = await readHead(reader, lifetime);
    const progress = new Progress(context.clock, { tell: onProgress, totalBytes: reader.size, lifetime });
    if (head.ended) {
      const bytes = Buffer.concat(head.pieces);
      const body = { kind: "inline", bytes } as const;
      const result = await context.calls.put(name, { body, attributes, mutation, timeoutMs, signal, follower });
      progress.totalBytes = bytes.length;
      progress.add(bytes.length);
      progress.finish();
      return result;
    }
    if (options.requestId === undefined) await refute(context, name, mutation.condition, options);
    const { bucket } = parseFileName(name);
    const upload = new Upload(context, {
      name,
      bucket,
      owner: await ownerOf(context, name, lifetime),
      upload: mutation.requestId,
      timeoutMs,
      lifetime,
      progress,
      resume: options.resume ?? false,
    });
    const hash = sha256Running();
    const sinceMs = context.clock.nowMs();
    const { extent, size } = await uploadContent(upload, continued(head.pieces, reader), {
      first: 0,
      hash,
      size: reader.size,
    });
    progress.totalBytes = size;
    follower?.transferred(
      sinceMs,
      `${size} bytes in ${extent?.checksums.length ?? 0} chunks are safe on W replicas each`,
    );
    const extents = extent ? [extent] : [];
    const stored = { extents, size, etag: hash.digest(), hashState: new Uint8Array(0) };
    const result = await commit(context, upload, { ...stored, attributes, mutation, timeoutMs, signal, follower });
    progress.finish();
    return result;
  } finally {
    reader.close();
  }
}

/** Reads until there is more than fits into a record, or the end. */
export async function readHead(
  reader: Pick<ContentReader, "next" | "keepsPieces">,
  lifetime: Lifetime,
  bytesMax: number = inlineBytesMax,
): Promise<{ readonly pieces: readonly Uint8Array[]; readonly ended: boolean; readonly bytes: number }> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= bytesMax) {
    const piece = await lifetime.race(reader.next());
    if (!piece) return { pieces, ended: true, bytes };
    bytes += piece.length;
    // What is large is used up before the source is asked for more.
    const mustCopy = !reader.keepsPieces && piece.length <= bytesMax;
    pieces.push(mustCopy ? Uint8Array.prototype.slice.call(piece) : piece);
  }
  return { pieces, ended: false, bytes };
}

/** First what was read already, then the rest. */
export function continued(pieces: readonly Uint8Array[], reader: { readonly next: NextPiece }): NextPiece {
  const head = [...pieces];
  return async () => head.shift() ?? reader.next();
}

/**
 * Whether the condition holds is decided by the vote; but where it does not hold now, nobody needs to send gigabytes to hear
 * that.
 *
 * @throws QuorumError `precondition_failed`
 */
async function refute(
  context: TransferContext,
  name: string,
  condition: Condition | undefined,
  options: CheckedPutOptions,
): Promise<void> {
  const test = condition?.test;
  if (!test) return;
  const { timeoutMs, signal } = options;
  const file = await current(context, name, signal ? { timeoutMs, signal } : { timeoutMs });
  const found = file ? `it has version ${file.version}` : "it does not exist";
  const details = { currentVersion: file?.version ?? 0 };
  const fail = (wanted: string): never => {
    const message = `${name} was to ${wanted}, but ${found}`;
    throw new QuorumError({ code: "precondition_failed", message, details });
  };
  switch (test.$case) {
    case "ifVersion":
      if (file?.version !== test.value) fail(`have version ${test.value}`);
      return;
    case "ifAbsent":
      if (test.value && file) fail("be absent");
      return;
    case "ifMatch":
      if (file?.etag !== toHex(test.value)) fail(`have the SHA-256 ${toHex(test.value)}`);
      return;
  }
}

async function current(
  context: TransferContext,
  name: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<FileInfo | undefined> {
  try {
    return (await context.calls.stat(name, options)).file;
  } catch (thrown) {
    if (thrown instanceof QuorumError && thrown.code === "not_found") return undefined;
    throw thrown;
  }
}
