/**
 * Adds to the end of a file: reads which version there is, stores what is added, and votes on both together on condition that
 * nobody was faster. Who was not, starts again from the new version, with what it has stored already.
 *
 * What fits into one chunk stays in memory meanwhile and is stored together with short chunks in front of it; more is stored
 * once, in chunks of its own. All attempts have the request id of the first, which is the id of the upload: their conditions
 * name different versions, so that one of them takes effect at most.
 */
import { assert, chunkBytesMax, type Extent, inlineBytesMax, parseFileName, QuorumError } from "@quorumfs/core";
import type { FileContent, PutResult } from "../file-info.js";
import type { AppendOptions } from "../options.js";
import { toHex } from "../wire.js";
import { AppendBase, type AppendScope, drain, readChunks } from "./append-base.js";
import { mergeableTail } from "./append-tail.js";
import { commit } from "./commit.js";
import { ContentReader } from "./content-reader.js";
import { continued, readHead } from "./file-put.js";
import type { Lifetime } from "./lifetime.js";
import { ownerOf } from "./owner.js";
import { Progress } from "./progress.js";
import type { SavedSha256 } from "./saved-sha256.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";
import { interrupted, Upload } from "./upload.js";
import { type NextPiece, uploadContent } from "./upload-content.js";

// The first pause is about one round trip; the longest lets twenty others be faster once each.
const pauseFirstMs = 4;
const pauseLongestMs = 1_000;
// Where what stood in the record goes when what is added is in chunks already: behind whatever an upload may count.
const prefixIndex = 0x4000_0000;

export interface CheckedAppendOptions extends AppendOptions {
  readonly timeoutMs: number;
}

export async function appendContent(
  context: TransferContext,
  name: string,
  content: FileContent,
  call: { readonly options: CheckedAppendOptions; readonly lifetime: Lifetime },
): Promise<PutResult> {
  const { options, lifetime } = call;
  const { timeoutMs, signal } = options;
  const reader = new ContentReader(name, content, options);
  const progress = new Progress(context.clock, { tell: options.onProgress, totalBytes: reader.size, lifetime });
  try {
    const result = await new Append(context, { name, timeoutMs, signal, lifetime }, progress).run(reader);
    progress.finish();
    return result;
  } finally {
    reader.close();
  }
}

class Append {
  readonly #context: TransferContext;
  readonly #scope: AppendScope;
  readonly #progress: Progress;
  #requestId: Uint8Array;
  /** Of the next chunk of the upload. */
  #index = 0;

  constructor(context: TransferContext, scope: AppendScope, progress: Progress) {
    this.#context = context;
    this.#scope = scope;
    this.#progress = progress;
    this.#requestId = context.random.bytes(16);
  }

  async run(reader: ContentReader): Promise<PutResult> {
    try {
      const { lifetime } = this.#scope;
      const head = await readHead(reader, lifetime);
      if (head.ended) return await this.#appendPieces(head.pieces);
      const next = continued(head.pieces, reader);
      return await this.#context.heavyAppends.during(lifetime, async () => {
        const chunk = await readHead({ next, keepsPieces: reader.keepsPieces }, lifetime, chunkBytesMax);
        return chunk.ended ? this.#appendPieces(chunk.pieces) : this.#appendStream(continued(chunk.pieces, { next }));
      });
    } catch (thrown) {
      throw interrupted(QuorumError.from(thrown), toHex(this.#requestId));
    }
  }

  async #appendPieces(pieces: readonly Uint8Array[]): Promise<PutResult> {
    const [first] = pieces;
    const bytes = first && pieces.length === 1 ? first : Buffer.concat(pieces);
    this.#progress.totalBytes = bytes.length;
    const result = await this.#untilFirst((base) => this.#appendBytes(base, bytes), await this.#current());
    this.#progress.add(bytes.length);
    return result;
  }

  #current(): Promise<AppendBase> {
    return AppendBase.read(this.#context, this.#scope);
  }

  /** Attempts until one is not overtaken. */
  async #untilFirst(attempt: (base: AppendBase) => Promise<PutResult>, first: AppendBase): Promise<PutResult> {
    const { clock, random } = this.#context;
    const { lifetime, timeoutMs } = this.#scope;
    const startedAtMs = clock.nowMs();
    let base = first;
    for (let round = 1; ; round += 1) {
      try {
        return await attempt(base);
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (error.code !== "precondition_failed") throw error;
        if (clock.nowMs() - startedAtMs >= timeoutMs) throw this.#overtaken(error);
        // Without a version it was this request id that was refused, once and for all.
        if (error.details.currentVersion === undefined) this.#renewId();
      }
      const pauseMs = random.fraction() * Math.min(pauseLongestMs, pauseFirstMs * 2 ** round);
      await lifetime.race(new Promise<void>((resolve) => clock.after(pauseMs, resolve)));
      base = await this.#current();
    }
  }

  #renewId(): void {
    this.#requestId = this.#context.random.bytes(16);
    this.#index = 0;
  }

  #overtaken(cause: QuorumError): QuorumError {
    const { name, timeoutMs } = this.#scope;
    const message = `others have changed ${name} again and again for ${timeoutMs} ms; try later`;
    return new QuorumError({ code: "unavailable", message, cause });
  }

  async #appendBytes(base: AppendBase, bytes: Uint8Array): Promise<PutResult> {
    const { name } = this.#scope;
    if (base.found && bytes.length === 0) {
      const { file, acknowledged, replicas, durability } = base.found;
      return { file, acknowledged, replicas, durability };
    }
    const { inline } = base;
    if (inline && inline.length + bytes.length <= inlineBytesMax) {
      const body = { kind: "inline", bytes: Buffer.concat([inline, bytes]) } as const;
      return this.#context.calls.put(name, { body, ...this.#terms(base) });
    }
    const owner = await this.#owner();
    const hash = await base.hash(owner);
    hash.update(bytes);
    const extents = await base.extents(owner);
    const tail = mergeableTail(extents, bytes.length);
    const before = inline?.length ?? tail.bytes;
    const upload = this.#upload(owner, undefined);
    const source = { extents, offset: base.size - tail.bytes, length: tail.bytes, owner };
    const { extent } = await readChunks(this.#context, this.#scope, source, (next) => {
      const pieces = oneAfterAnother([inline ? piecesOf([inline]) : next, piecesOf([bytes])]);
      return uploadContent(upload, pieces, { first: this.#index, size: before + bytes.length });
    });
    assert(extent !== undefined, "an append has bytes");
    this.#index += extent.checksums.length;
    return this.#commit(upload, base, { extents: [...tail.kept, extent], size: base.size + bytes.length, hash });
  }

  /** More than a chunk: stored while it is read, then voted on as often as it takes. */
  async #appendStream(next: NextPiece): Promise<PutResult> {
    const owner = await this.#owner();
    const first = await this.#current();
    let hash: SavedSha256 | undefined = await first.hash(owner);
    let upload = this.#upload(owner, this.#progress);
    const stored = await uploadContent(upload, next, { first: 0, hash });
    const { size } = stored;
    this.#progress.totalBytes = size;
    let added = stored.extent;
    assert(added !== undefined, "more than a chunk has bytes");
    let extent: Extent = added;
    return this.#untilFirst(async (base) => {
      if (upload.options.upload !== this.#requestId) {
        upload = this.#upload(owner, undefined);
        added = await this.#copied(upload, { extent, size });
        assert(added !== undefined, "a copy has bytes");
        extent = added;
      }
      hash ??= await this.#rehashed(base, { extent, size }, owner);
      const whole = { extents: [...(await this.#before(upload, base)), extent], size: base.size + size, hash };
      // Of this base only.
      hash = undefined;
      return this.#commit(upload, base, whole);
    }, first);
  }

  /** What is to stand in front of what is added. */
  async #before(upload: Upload, base: AppendBase): Promise<readonly Extent[]> {
    const { inline } = base;
    if (!inline) return base.extents(upload.options.owner);
    const first = prefixIndex + this.#index;
    this.#index += 1;
    const { extent } = await uploadContent(upload, piecesOf([inline]), { first, size: inline.length });
    return extent ? [extent] : [];
  }

  /** The same bytes in chunks of another upload. */
  async #copied(
    upload: Upload,
    { extent, size }: { readonly extent: Extent; readonly size: number },
  ): Promise<Extent | undefined> {
    const source = { extents: [extent], offset: 0, length: size, owner: upload.options.owner };
    const copy = await readChunks(this.#context, this.#scope, source, (next) =>
      uploadContent(upload, next, { first: 0, size }),
    );
    return copy.extent;
  }

  /** The SHA-256 of another version with what is added to it. */
  async #rehashed(
    base: AppendBase,
    { extent, size }: { readonly extent: Extent; readonly size: number },
    owner: ChunkOwner,
  ): Promise<SavedSha256> {
    const hash = await base.hash(owner);
    const source = { extents: [extent], offset: 0, length: size, owner };
    await readChunks(this.#context, this.#scope, source, (next) => drain(next, hash));
    return hash;
  }

  #owner(): Promise<ChunkOwner> {
    return ownerOf(this.#context, this.#scope.name, this.#scope.lifetime);
  }

  /** @param progress undefined: what is sent is not only what is added, or is sent again */
  #upload(owner: ChunkOwner, progress: Progress | undefined): Upload {
    const { name, timeoutMs, lifetime } = this.#scope;
    return new Upload(this.#context, {
      name,
      bucket: parseFileName(name).bucket,
      owner,
      upload: this.#requestId,
      timeoutMs,
      lifetime,
      progress: progress ?? new Progress(this.#context.clock, { totalBytes: undefined, lifetime }),
      resume: false,
    });
  }

  #commit(
    upload: Upload,
    base: AppendBase,
    whole: { readonly extents: readonly Extent[]; readonly size: number; readonly hash: SavedSha256 },
  ): Promise<PutResult> {
    const { extents, size, hash } = whole;
    const stored = { extents, size, etag: hash.digest(), hashState: hash.save() };
    return commit(this.#context, upload, { ...stored, ...this.#terms(base) });
  }

  #terms({ condition, attributes }: AppendBase) {
    const { timeoutMs, signal } = this.#scope;
    const requestId = this.#requestId;
    const mutation = { requestId, mayHaveRun: false, mayBeRepeated: true, seenVersion: 0, condition };
    return { mutation, attributes, timeoutMs, signal };
  }
}

function piecesOf(pieces: readonly Uint8Array[]): NextPiece {
  const left = pieces.filter(({ length }) => length > 0);
  return async () => left.shift();
}

function oneAfterAnother(parts: readonly NextPiece[]): NextPiece {
  const left = [...parts];
  return async () => {
    for (let part = left[0]; part; part = left[0]) {
      const piece = await part();
      if (piece) return piece;
      left.shift();
    }
    return undefined;
  };
}
