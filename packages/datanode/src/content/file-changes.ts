import { type ChunkRange, inlineBytesMax, type Manifest, QuorumError } from "@quorumfs/core";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { CancelOperation, Coordinator, Done, Mutated, MutateRequest } from "../coordinator/coordinator.js";
import type { KeepNotices } from "./keep-notices.js";
import type { LargePuts } from "./large-puts.js";

/** A put or a delete; `manifest`: what the content of a large file says. */
export type ChangeRequest = MutateRequest & { readonly manifest?: Manifest };

/** What was changed, and all chunks that the new version names, if that is known. */
type Changed = Mutated & { readonly ranges?: readonly ChunkRange[] | undefined };

/**
 * Puts and deletes as clients ask for them. Around the vote there is what files of chunks need: their chunks are made sure of
 * before, and afterwards all DataNodes are told what the new version names, and so what is no longer needed.
 */
export class FileChanges {
  readonly #options: FileChangesOptions;

  constructor(options: FileChangesOptions) {
    this.#options = options;
  }

  /** As {@link Coordinator.mutate}; a put may be refused as `resource_exhausted` for lack of space on this node. */
  change(request: ChangeRequest, done: Done<Mutated>): CancelOperation {
    const { coordinator, largePuts, chunks } = this.#options;
    const { intent, manifest } = request;
    const tell: Done<Changed> = (error, changed) => {
      if (changed) this.#announce(request, changed);
      done(error, changed);
    };
    if (intent.kind === "delete") return coordinator.mutate(request, tell);
    if (chunks.isFull) {
      tell(nearlyFull(), undefined);
      return nothing;
    }
    return manifest ? largePuts.put({ ...request, intent, manifest }, tell) : coordinator.mutate(request, tell);
  }

  #announce(request: ChangeRequest, { value, version, replaced, ranges }: Changed): void {
    const { bucket, path, manifest, mayHaveRun } = request;
    // Others have written since an earlier attempt, and tell of what is there now.
    if (value.version.counter !== version) return;
    const owner = { bucket: bucket.id, path };
    if (manifest) {
      if (ranges) this.#options.notices.tellAll({ owner, version: value.version, ranges });
      return;
    }
    // What an earlier attempt replaced is not known, nor whether its coordinator came to tell of it.
    const isDue = replaced ? replaced.size > inlineBytesMax : mayHaveRun;
    if (isDue) this.#options.notices.tellAll({ owner, version: value.version, ranges: [] });
  }
}

export interface FileChangesOptions {
  readonly coordinator: Coordinator;
  readonly largePuts: LargePuts;
  readonly notices: KeepNotices;
  readonly chunks: Pick<ChunkStore, "isFull">;
}

// Space comes back within seconds at best.
const retryAfterMs = 1000;

function nearlyFull(): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: "this DataNode's disk is nearly full, so that it takes no new content; put it through another one",
    details: { retryAfterMs },
  });
}

function nothing(): void {}
