import type { Extent } from "@quorumfs/core";
import { QuorumError } from "@quorumfs/core";
import type { Condition } from "@quorumfs/proto";
import type { FoundFile } from "../file-calls.js";
import { attributesOf } from "../requests.js";
import { toHex } from "../wire.js";
import { Download } from "./download.js";
import { extentsOf } from "./file-extents.js";
import type { Lifetime } from "./lifetime.js";
import { SavedSha256 } from "./saved-sha256.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";
import type { NextPiece, RunningHash } from "./upload-content.js";

/** The file that is appended to, and how long that may take. */
export interface AppendScope {
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly lifetime: Lifetime;
}

const noBytes = new Uint8Array(0);

/** The version that an append builds on; there may be none. */
export class AppendBase {
  readonly #context: TransferContext;
  readonly #scope: AppendScope;
  readonly found: FoundFile | undefined;

  private constructor(context: TransferContext, scope: AppendScope, found: FoundFile | undefined) {
    this.#context = context;
    this.#scope = scope;
    this.found = found;
  }

  /** The newest. */
  static async read(context: TransferContext, scope: AppendScope): Promise<AppendBase> {
    const { name, timeoutMs, signal } = scope;
    try {
      const found = await context.calls.get(name, signal ? { timeoutMs, signal } : { timeoutMs });
      return new AppendBase(context, scope, found);
    } catch (thrown) {
      // Or it is the bucket that does not exist, which the vote will tell.
      if (thrown instanceof QuorumError && thrown.code === "not_found")
        return new AppendBase(context, scope, undefined);
      throw thrown;
    }
  }

  get size(): number {
    return this.found?.file.size ?? 0;
  }

  /** What stands in the record itself; undefined if the file is in chunks. */
  get inline(): Uint8Array | undefined {
    return this.found?.kind === "manifest" ? undefined : (this.found?.bytes ?? noBytes);
  }

  /** Nobody was faster. */
  get condition(): Condition {
    if (!this.found) return { test: { $case: "ifAbsent", value: true } };
    return { test: { $case: "ifVersion", value: this.found.file.version } };
  }

  get attributes(): Map<string, string> {
    return attributesOf(this.found?.file.attributes);
  }

  async extents(owner: ChunkOwner): Promise<readonly Extent[]> {
    if (this.found?.kind !== "manifest") return [];
    const { name } = this.#scope;
    const { manifest } = this.found;
    return extentsOf(this.#context, { name, owner, size: this.size, manifest }, this.#scope);
  }

  /** SHA-256 after its last byte; it is read only if that was not put aside. @throws QuorumError `corrupt` */
  async hash(owner: ChunkOwner): Promise<SavedSha256> {
    if (this.found?.kind !== "manifest") {
      const hash = await SavedSha256.start();
      hash.update(this.inline ?? noBytes);
      return hash;
    }
    const { file, manifest } = this.found;
    const saved = await SavedSha256.resume(manifest.hashState, file.etag);
    if (saved) return saved;
    const hash = await SavedSha256.start();
    const source = { extents: await this.extents(owner), offset: 0, length: file.size, owner };
    await readChunks(this.#context, this.#scope, source, (next) => drain(next, hash));
    if (toHex(hash.digest()) === file.etag) return hash;
    const message = `the content of ${file.name} does not match its SHA-256; nothing was appended`;
    throw new QuorumError({ code: "corrupt", message });
  }
}

/** Reads a range of chunks for as long as `act` takes. */
export function readChunks<Result>(
  context: TransferContext,
  scope: AppendScope,
  source: {
    readonly extents: readonly Extent[];
    readonly offset: number;
    readonly length: number;
    readonly owner: ChunkOwner;
  },
  act: (next: NextPiece) => Promise<Result>,
): Promise<Result> {
  const { extents, offset, length, owner } = source;
  const { name, timeoutMs } = scope;
  if (length === 0) return act(async () => undefined);
  return scope.lifetime.lend((lifetime) => {
    const range = { offset, length };
    const download = new Download(context, { name, owner, extents, range, timeoutMs, lifetime });
    return act(() => download.next());
  });
}

export async function drain(next: NextPiece, hash: RunningHash): Promise<void> {
  for (let piece = await next(); piece; piece = await next()) hash.update(piece);
}
