import { QuorumError } from "@quorumfs/core";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { FileCalls, FoundFile } from "../file-calls.js";
import type { FileContent, GetResult, PutResult, ReadResult } from "../file-info.js";
import { WaitingRoom } from "../operation/gate.js";
import type { Follower } from "../follow/follower.js";
import type { Surroundings } from "../operation/surroundings.js";
import { checkTimeout, type GetOptions } from "../options.js";
import { toHex } from "../wire.js";
import { AppendTurns } from "./append-turns.js";
import { ChunkHaste } from "./chunk-haste.js";
import { appendContent, type CheckedAppendOptions } from "./file-append.js";
import { type CheckedPutOptions, isSmall, putContent } from "./file-put.js";
import { rangeOf } from "./file-range.js";
import { readFile, streamOf } from "./file-read.js";
import { Lifetime } from "./lifetime.js";
import { overwrittenOr } from "./overwritten.js";
import { Places } from "./places.js";
import { ReadAhead } from "./read-ahead.js";
import type { TransferContext } from "./transfer-context.js";
import { UploadBuffers } from "./upload-buffers.js";
import type { NextPiece } from "./upload-content.js";
import { interrupted } from "./upload.js";

/** More at once is a stream's business: a program seldom has room for it. */
const bufferedBytesMax = 256 * 1024 * 1024;

// Each was overwritten, and its chunks taken away, while it was read: what changes faster than that is for a reader of streams.
const versionsMax = 5;

// With a chunk of 4 MiB each, and a second one while that is put together from a stream's pieces.
const heavyAppendsMax = 3;

export interface TransfersOptions {
  readonly surroundings: Surroundings;
  readonly calls: FileCalls;
  /** @throws QuorumError `unavailable` while the cluster is forming, `cancelled` after close */
  readonly view: () => ClusterView;
}

/** Content up and down. What is small goes in one call and costs no more than that. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #context: TransferContext;
  readonly #appendTurns = new AppendTurns(new WaitingRoom());
  /** Of the transfers under way. */
  readonly #lifetimes = new Set<Lifetime>();

  constructor(options: TransfersOptions) {
    const { clock, random, log, dataNodes } = options.surroundings;
    const { calls, view } = options;
    this.#options = options;
    const buffers = new UploadBuffers(clock);
    const readAhead = new ReadAhead();
    const haste = new ChunkHaste();
    const heavyAppends = new Places(heavyAppendsMax);
    this.#context = { clock, random, log, dataNodes, calls, view, buffers, readAhead, haste, heavyAppends };
  }

  async put(name: string, content: FileContent, options: CheckedPutOptions): Promise<PutResult> {
    if (isSmall(content) && options.size === undefined && !options.onProgress) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      return this.#options.calls.put(name, { ...options, body: { kind: "inline", bytes } });
    }
    const requestId = toHex(options.mutation.requestId);
    return this.#during(`put ${name}`, options.signal, async (lifetime) => {
      try {
        return await putContent(this.#context, name, content, { options, lifetime });
      } catch (thrown) {
        throw interrupted(QuorumError.from(thrown), requestId);
      }
    });
  }

  async append(name: string, content: FileContent, options: CheckedAppendOptions): Promise<PutResult> {
    return this.#during(`append ${name}`, options.signal, (lifetime) =>
      this.#appendTurns.run(name, lifetime, () => appendContent(this.#context, name, content, { options, lifetime })),
    );
  }

  async get(name: string, options: GetCall): Promise<GetResult> {
    for (let attempt = 1; ; attempt += 1) {
      // What a relaxed read finds may be gone for long: whoever has found that out asks for the present version.
      const { consistency = "linearizable" } = attempt === 1 ? options : {};
      const found = await this.#options.calls.get(name, { ...options, consistency });
      try {
        return await this.#whole(found, options);
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        const told = await this.#told(found, error, options);
        if (told === error || attempt === versionsMax) throw told;
      }
    }
  }

  async #whole(found: FoundFile, options: GetCall): Promise<GetResult> {
    const { file, acknowledged, replicas, durability } = found;
    const range = rangeOf(file, options);
    const { offset, length } = range;
    if (found.kind === "inline" && !options.onProgress) {
      const content = length === file.size ? found.bytes : found.bytes.slice(offset, offset + length);
      return { file, content, offset, acknowledged, replicas, durability };
    }
    if (length > bufferedBytesMax) {
      throw invalid(`${file.name} is ${length} bytes; get takes up to ${bufferedBytesMax} (256 MiB), read takes any`);
    }
    const { signal, onProgress, follower } = options;
    const timeoutMs = checkTimeout(options.timeoutMs);
    const sinceMs = this.#context.clock.nowMs();
    return this.#during(`get ${file.name}`, signal, async (lifetime) => {
      const next = await readFile(this.#context, found, {
        range,
        timeoutMs,
        lifetime,
        ...(onProgress && { onProgress }),
      });
      const content = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      for (let piece = await next(); piece; piece = await next()) {
        content.set(piece, filled);
        filled += piece.length;
      }
      if (found.kind === "manifest") follower?.transferred(sinceMs, fetchedText(length));
      return { file, content, offset, acknowledged, replicas, durability };
    });
  }

  /** Why a version could not be read, as the caller is told. */
  #told({ file }: FoundFile, error: QuorumError, { timeoutMs }: GetOptions): Promise<QuorumError> {
    return overwrittenOr(this.#options.calls, file, { error, timeoutMs: checkTimeout(timeoutMs) });
  }

  async read(name: string, options: GetCall): Promise<ReadResult> {
    const { follower } = options;
    try {
      const result = await this.#read(name, options);
      return follower ? followed(result, follower) : result;
    } catch (thrown) {
      throw follower ? follower.failed(QuorumError.from(thrown)) : thrown;
    }
  }

  async #read(name: string, options: GetCall): Promise<ReadResult> {
    const { signal, onProgress, follower } = options;
    const timeoutMs = checkTimeout(options.timeoutMs);
    const found = await this.#options.calls.get(name, options);
    const { file, acknowledged, replicas, durability } = found;
    const range = rangeOf(file, options);
    const lifetime = this.#begin(`read ${name}`, signal);
    // Also when the reader cancels.
    if (follower) lifetime.onEnd((error) => follower.ended(error));
    try {
      const next = await readFile(this.#context, found, {
        range,
        timeoutMs,
        lifetime,
        ...(onProgress && { onProgress }),
      });
      const failed = async (thrown: unknown): Promise<never> => {
        const error = await this.#told(found, QuorumError.from(thrown), options);
        return Promise.reject(follower ? follower.failed(error) : error);
      };
      const watched = follower ? this.#watched(next, found, follower) : next;
      const tell: NextPiece = () => watched().catch(failed);
      return { file, ...range, body: streamOf(tell, lifetime), acknowledged, replicas, durability };
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      lifetime.end(error);
      throw await this.#told(found, error, options);
    }
  }

  /** Tells the follower when the last byte was handed out. */
  #watched(next: NextPiece, found: FoundFile, follower: Follower): NextPiece {
    const sinceMs = this.#context.clock.nowMs();
    let bytes = 0;
    return async () => {
      const piece = await next();
      bytes += piece?.length ?? 0;
      if (piece) return piece;
      if (found.kind === "manifest") follower.transferred(sinceMs, fetchedText(bytes));
      follower.ended(undefined);
      return undefined;
    };
  }

  async #during<Result>(
    title: string,
    signal: AbortSignal | undefined,
    act: (lifetime: Lifetime) => Promise<Result>,
  ): Promise<Result> {
    const lifetime = this.#begin(title, signal);
    try {
      const result = await act(lifetime);
      lifetime.done();
      return result;
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      lifetime.end(error);
      throw error;
    }
  }

  #begin(title: string, signal: AbortSignal | undefined): Lifetime {
    const lifetime = new Lifetime();
    this.#lifetimes.add(lifetime);
    lifetime.finally(() => this.#lifetimes.delete(lifetime));
    if (signal) lifetime.follow({ title, signal, listeners: this.#options.surroundings.abortListeners });
    return lifetime;
  }

  /** Ends what is under way. Idempotent. */
  close(): void {
    const error = new QuorumError({ code: "cancelled", message: "the client was closed" });
    for (const lifetime of [...this.#lifetimes]) lifetime.end(error);
    this.#context.buffers.close();
  }
}

type GetCall = GetOptions & { readonly follower?: Follower | undefined };

function fetchedText(bytes: number): string {
  return `${bytes} bytes came from the replicas of their chunks`;
}

/** The result with a trace that goes on. */
function followed(result: ReadResult, follower: Follower): ReadResult {
  if (!follower.tells) return result;
  return Object.defineProperty({ ...result }, "trace", { enumerable: true, get: () => follower.trace });
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
