/** The last step of an upload: the vote on the version that names its chunks. */
import { assert, type Extent, firstPageIndex, type Manifest, manifestBytesMax } from "@quorumfs/core";
import type { Mutation } from "@quorumfs/proto";
import { encodeManifest } from "@quorumfs/runtime/lean";
import type { PutResult } from "../file-info.js";
import type { Follower } from "../follow/follower.js";
import { mend } from "./mend.js";
import type { TransferContext } from "./transfer-context.js";
import type { Upload } from "./upload.js";
import { uploadContent } from "./upload-content.js";

export interface CommitOptions {
  readonly extents: readonly Extent[];
  readonly size: number;
  readonly etag: Uint8Array;
  /** As it is kept for a later append; empty: not known. */
  readonly hashState: Uint8Array;
  readonly attributes: Map<string, string>;
  readonly mutation: Mutation;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly follower?: Follower | undefined;
}

/** @throws QuorumError as `put` */
export async function commit(context: TransferContext, upload: Upload, options: CommitOptions): Promise<PutResult> {
  const { extents, size, etag, hashState, attributes, mutation, timeoutMs, signal, follower } = options;
  const { name, upload: id } = upload.options;
  let bytes = encodeManifest({ extents, hashState });
  const own = extents.filter((extent) => extent.upload === id);
  if (bytes.length > manifestBytesMax) {
    const pages = await uploadPages(upload, { extents, hashState: new Uint8Array(0) });
    bytes = encodeManifest({ extents: [], pages, hashState });
    own.push(pages);
  }
  upload.options.lifetime.check();
  return context.calls.put(name, {
    body: { kind: "manifest", bytes, size, etag },
    attributes,
    mutation,
    timeoutMs,
    signal,
    follower,
    mend: () => mend(context, upload, own),
  });
}

/** A manifest that is too large for a record, as chunks. */
export async function uploadPages(upload: Upload, manifest: Manifest): Promise<Extent> {
  let bytes: Uint8Array | undefined = encodeManifest(manifest);
  const { extent } = await uploadContent(
    upload,
    async () => {
      const piece = bytes;
      bytes = undefined;
      return piece;
    },
    { first: firstPageIndex },
  );
  assert(extent !== undefined, "a manifest has no bytes");
  return extent;
}
