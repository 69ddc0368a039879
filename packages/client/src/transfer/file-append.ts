/**
 * Adds to the end of a file: reads which version there is, stores what is added, and votes on both together on condition that
 * nobody was faster. Who was not, starts again from the new version, with what it has stored already.
 *
 * What fits into one chunk stays in memory meanwhile and is stored together with short chunks in front of it; more is stored
 * once, in chunks of its own. All attempts have the request id of the first, which is the id of the upload: their conditions
 * name different versions, so that one of them takes effect at most.
 */
import { chunkBytesMax, type Extent, inlineBytesMax, parseFileName, QuorumError } from "@quorumfs/core";
import type { Condition } from "@quorumfs/proto";
import type { FoundFile } from "../file-calls.js";
import type { FileContent, PutResult } from "../file-info.js";
import type { AppendOptions } from "../options.js";
import { attributesOf } from "../requests.js";
import { toHex } from "../wire.js";
import { mergeableTail } from "./append-tail.js";
import { commit } from "./commit.js";
import { ContentReader } from "./content-reader.js";
import { Download } from "./download.js";
import { extentsOf } from "./file-extents.js";
import { continued, readHead } from "./file-put.js";
import { Lifetime } from "./lifetime.js";
import { ownerOf } from "./owner.js";
import { Progress } from "./progress.js";
import { SavedSha256 } from "./saved-sha256.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";
import { interrupted, Upload } from "./upload.js";
import { type NextPiece, type RunningHash, uploadContent } from "./upload-content.js";

// The first pause is about one round trip; the longest lets twenty others be faster once each.
const pauseFirstMs = 4;
const pauseLongestMs = 1_000;
// Where what stood in the record goes when the rest is in chunks already: behind whatever an upload may count.
const prefixIndex = 0x4000_0000;

export interface CheckedAppendOptions extends AppendOptions {
  readonly timeoutMs: number;
}

/** The version that an attempt builds on; undefined: the file does not exist. */
type Base = FoundFile | undefined;

/** What is added: in memory, or in chunks of this append's upload. */
type Added =
  | { readonly kind: "memory"; readonly bytes: Uint8Array }
  | { readonly kind: "chunks"; readonly extent: Extent; readonly size: number };

export async function appendContent(
  context: TransferContext,
  name: string,
  content: FileContent,
  call: { readonly options: CheckedAppendOptions; readonly lifetime: Lifetime },
): Promise<PutResult> {
  const { options, lifetime } = call;
  const reader = new ContentReader(name, content, options);
  try {
    const progress = new Progress(context.clock, options.onProgress, reader.size);
    lifetime.finally(() => progress.stop());
    const result = await new Append(context, name, { ...call, progress }).run(reader);
    progress.finish();
    return result;
  } finally {
    reader.close();
  }
}

class Append {
  readonly #context: TransferContext;
  readonly #name: string;
  readonly #options: CheckedAppendOptions;
  readonly #lifetime: Lifetime;
  readonly #progress: Progress;
  #requestId: Uint8Array;
  /** Of the next chunk of the upload. */
  #index = 0;

  constructor(
    context: TransferContext,
    name: string,
    call: { readonly options: CheckedAppendOptions; readonly lifetime: Lifetime; readonly progress: Progress },
  ) {
    this.#context = context;
    this.#name = name;
    this.#options = call.options;
    this.#lifetime = call.lifetime;
    this.#progress = call.progress;
    this.#requestId = context.random.bytes(16);
  }

  async run(reader: ContentReader): Promise<PutResult> {
    try {
      const head = await readHead(reader, this.#lifetime, chunkBytesMax);
      if (!head.ended) return await this.#appendStream(continued(head.pieces, reader));
      const [first] = head.pieces;
      const bytes = first && head.pieces.length === 1 ? first : Buffer.concat(head.pieces);
      this.#progress.totalBytes = bytes.length;
      const result = await this.#untilFirst((base) => this.#appendBytes(base, bytes), await this.#current());
      this.#progress.add(bytes.length);
      return result;
    } catch (thrown) {
      throw interrupted(QuorumError.from(thrown), toHex(this.#requestId));
    }
  }

  /** Attempts until one is not overtaken. */
  async #untilFirst(attempt: (base: Base) => Promise<PutResult>, first: Base): Promise<PutResult> {
    const { clock, random } = this.#context;
    const startedAtMs = clock.nowMs();
    let base = first;
    for (let round = 1; ; round += 1) {
      try {
        return await attempt(base);
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (error.code !== "precondition_failed") throw error;
        if (clock.nowMs() - startedAtMs >= this.#options.timeoutMs) throw this.#overtaken(error);
        // Without a version it was this request id that was refused, once and for all.
        if (error.details.currentVersion === undefined) this.#renewId();
      }
      const pauseMs = random.fraction() * Math.min(pauseLongestMs, pauseFirstMs * 2 ** round);
      await this.#lifetime.race(new Promise<void>((resolve) => clock.after(pauseMs, resolve)));
      base = await this.#current();
    }
  }

  #renewId(): void {
    this.#requestId = this.#context.random.bytes(16);
    this.#index = 0;
  }

  #overtaken(cause: QuorumError): QuorumError {
    const message = `others have changed ${this.#name} again and again for ${this.#options.timeoutMs} ms; try later`;
    return new QuorumError({ code: "unavailable", message, cause });
  }

  async #current(): Promise<Base> {
    const { timeoutMs, signal } = this.#options;
    try {
      return await this.#context.calls.get(this.#name, signal ? { timeoutMs, signal } : { timeoutMs });
    } catch (thrown) {
      if (thrown instanceof QuorumError && thrown.code === "not_found") return undefined;
      throw thrown;
    }
  }

  async #appendBytes(base: Base, bytes: Uint8Array): Promise<PutResult> {
    if (base && bytes.length === 0) {
      const { file, acknowledged, replicas, durability } = base;
      return { file, acknowledged, replicas, durability };
    }
    const before = base?.kind === "manifest" ? undefined : (base?.bytes ?? new Uint8Array(0));
    if (before && before.length + bytes.length <= inlineBytesMax) {
      const body = { kind: "inline", bytes: Buffer.concat([before, bytes]) } as const;
      return this.#context.calls.put(this.#name, { body, ...this.#terms(base) });
    }
    const owner = await ownerOf(this.#context, this.#name, this.#lifetime);
    const hash = await this.#hashOf(base, owner);
    hash.update(bytes);
    const extents = base?.kind === "manifest" ? await this.#extentsOf(base, owner) : [];
    const tail = mergeableTail(extents, bytes.length);
    const offset = (base?.file.size ?? 0) - tail.bytes;
    const upload = this.#upload(owner, new Progress(this.#context.clock, undefined, undefined));
    const stored = await this.#reading(async (lifetime) => {
      const tailPieces = before
        ? piecesOf([before])
        : this.#download(extents, { offset, length: tail.bytes, owner, lifetime });
      return uploadContent(upload, oneAfterAnother([tailPieces, piecesOf([bytes])]), {
        first: this.#index,
        size: (before?.length ?? tail.bytes) + bytes.length,
      });
    });
    this.#index += stored.extent?.checksums.length ?? 0;
    return this.#commit(upload, base, {
      extents: stored.extent ? [...tail.kept, stored.extent] : tail.kept,
      size: (base?.file.size ?? 0) + bytes.length,
      hash,
    });
  }

  /** More than a chunk: stored while it is read, then voted on as often as it takes. */
  async #appendStream(next: NextPiece): Promise<PutResult> {
    const owner = await ownerOf(this.#context, this.#name, this.#lifetime);
    const first = await this.#current();
    let hash: SavedSha256 | undefined = await this.#hashOf(first, owner);
    let upload = this.#upload(owner, this.#progress);
    const stored = await uploadContent(upload, next, { first: 0, hash });
    this.#progress.totalBytes = stored.size;
    if (!stored.extent) throw new QuorumError({ code: "internal", message: "a stream of more than a chunk had none" });
    let added: Extract<Added, { kind: "chunks" }> = { kind: "chunks", extent: stored.extent, size: stored.size };
    return this.#untilFirst(async (base) => {
      if (upload.options.upload !== this.#requestId) {
        upload = this.#upload(owner, new Progress(this.#context.clock, undefined, undefined));
        added = await this.#copied(upload, added, owner);
      }
      hash ??= await this.#rehash(base, added, owner);
      const before = base?.kind === "inline" ? await this.#prefix(upload, base.bytes) : [];
      const kept = base?.kind === "manifest" ? await this.#extentsOf(base, owner) : before;
      const whole = { extents: [...kept, added.extent], size: (base?.file.size ?? 0) + added.size, hash };
      hash = undefined;
      return this.#commit(upload, base, whole);
    }, first);
  }

  async #prefix(upload: Upload, bytes: Uint8Array): Promise<readonly Extent[]> {
    const first = prefixIndex + this.#index;
    this.#index += 1;
    const { extent } = await uploadContent(upload, piecesOf([bytes]), { first, size: bytes.length });
    return extent ? [extent] : [];
  }

  /** The same bytes in chunks of another upload. */
  async #copied(
    upload: Upload,
    { extent, size }: { readonly extent: Extent; readonly size: number },
    owner: ChunkOwner,
  ): Promise<Extract<Added, { kind: "chunks" }>> {
    const copy = await this.#reading((lifetime) => {
      const pieces = this.#download([extent], { offset: 0, length: size, owner, lifetime });
      return uploadContent(upload, pieces, { first: 0, size });
    });
    return { kind: "chunks", extent: copy.extent ?? extent, size };
  }

  /** The SHA-256 of another version with what was added to it. */
  async #rehash(
    base: Base,
    { extent, size }: { readonly extent: Extent; readonly size: number },
    owner: ChunkOwner,
  ): Promise<SavedSha256> {
    const hash = await this.#hashOf(base, owner);
    await this.#reading(async (lifetime) => {
      await drain(this.#download([extent], { offset: 0, length: size, owner, lifetime }), hash);
    });
    return hash;
  }

  /** After the last byte of this version; reads it only if its hash was not put aside. */
  async #hashOf(base: Base, owner: ChunkOwner): Promise<SavedSha256> {
    const saved =
      base?.kind === "manifest" ? await SavedSha256.resume(base.manifest.hashState, base.file.etag) : undefined;
    if (saved) return saved;
    const hash = await SavedSha256.start();
    if (base?.kind === "inline") hash.update(base.bytes);
    if (base?.kind !== "manifest") return hash;
    const extents = await this.#extentsOf(base, owner);
    await this.#reading(async (lifetime) => {
      await drain(this.#download(extents, { offset: 0, length: base.file.size, owner, lifetime }), hash);
    });
    if (toHex(hash.digest()) === base.file.etag) return hash;
    const message = `the content of ${this.#name} does not match its SHA-256; nothing was appended`;
    throw new QuorumError({ code: "corrupt", message });
  }

  #extentsOf(base: Extract<FoundFile, { kind: "manifest" }>, owner: ChunkOwner): Promise<readonly Extent[]> {
    const { manifest, file } = base;
    const { timeoutMs } = this.#options;
    const call = { timeoutMs, lifetime: this.#lifetime };
    return extentsOf(this.#context, { name: this.#name, owner, size: file.size, manifest }, call);
  }

  #upload(owner: ChunkOwner, progress: Progress): Upload {
    const { bucket } = parseFileName(this.#name);
    const { timeoutMs } = this.#options;
    const { lifetime, requestId: upload } = { lifetime: this.#lifetime, requestId: this.#requestId };
    return new Upload(this.#context, {
      name: this.#name,
      bucket,
      owner,
      upload,
      timeoutMs,
      lifetime,
      progress,
      resume: false,
    });
  }

  /** Lends a lifetime to reading that ends with it, or with the append. */
  async #reading<Result>(act: (lifetime: Lifetime) => Promise<Result>): Promise<Result> {
    const lifetime = new Lifetime();
    const forget = this.#lifetime.onEnd((error) => lifetime.end(error));
    try {
      return await act(lifetime);
    } finally {
      lifetime.done();
      forget();
    }
  }

  #download(
    extents: readonly Extent[],
    part: { readonly offset: number; readonly length: number; readonly owner: ChunkOwner; readonly lifetime: Lifetime },
  ): NextPiece {
    const { offset, length, owner, lifetime } = part;
    if (length === 0) return piecesOf([]);
    const { timeoutMs } = this.#options;
    const range = { offset, length };
    const download = new Download(this.#context, { name: this.#name, owner, extents, range, timeoutMs, lifetime });
    return () => download.next();
  }

  #commit(
    upload: Upload,
    base: Base,
    whole: { readonly extents: readonly Extent[]; readonly size: number; readonly hash: SavedSha256 },
  ): Promise<PutResult> {
    const { extents, size, hash } = whole;
    const stored = { extents, size, etag: hash.digest(), hashState: hash.save() };
    return commit(this.#context, upload, { ...stored, ...this.#terms(base) });
  }

  #terms(base: Base) {
    const { timeoutMs, signal } = this.#options;
    const condition: Condition = base
      ? { test: { $case: "ifVersion", value: base.file.version } }
      : { test: { $case: "ifAbsent", value: true } };
    const mutation = { requestId: this.#requestId, mayHaveRun: false, mayBeRepeated: true, seenVersion: 0, condition };
    return { mutation, attributes: attributesOf(base?.file.attributes), timeoutMs, signal };
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

async function drain(next: NextPiece, hash: RunningHash): Promise<void> {
  for (let piece = await next(); piece; piece = await next()) hash.update(piece);
}
