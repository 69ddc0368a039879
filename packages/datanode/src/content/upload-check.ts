/**
 * Before a manifest is voted on: is everything durable that it names? A version that named chunks which nobody has would
 * be a file that cannot be read, and no vote could tell.
 *
 * New chunks are asked for at their replicas, W of which must have each of them; the question also starts their lease
 * anew, so that none goes while the vote is under way. What is taken over from the version that the mutation builds on was
 * asked for when that one was put, and stays for as long as that is the newest version; the vote's condition sees to that.
 */
import {
  type CancelSignal,
  type ChunkRange,
  chunkRangesOf,
  type Condition,
  type Extent,
  type Manifest,
  QuorumError,
  sameBytes,
} from "@quorumfs/core";
import type { FileRequest } from "../coordinator/coordinator.js";
import { strangerAmong } from "./carried-over.js";
import type { CurrentFiles } from "./current-file.js";
import type { DurabilityCheck } from "./durability-check.js";
import type { ManifestPages } from "./manifest-pages.js";
import { checkUploads } from "./manifest-uploads.js";
import { Slots } from "./slots.js";
import { uploadName } from "./upload-name.js";

export interface UploadCheckRequest extends FileRequest {
  readonly manifest: Manifest;
  /** Of the file. */
  readonly size: number;
  readonly requestId: Uint8Array;
  readonly condition: Condition;
}

export type UploadVerdict =
  /** Everything that it names is durable; `ranges` is all of it. */
  | { readonly kind: "durable"; readonly ranges: readonly ChunkRange[] }
  /** The file has a newer version than the one that the mutation builds on, so its condition cannot hold any more. */
  | { readonly kind: "overtaken" }
  /** The version that the mutation builds on is not there; it has this one, or 0 if it does not exist. */
  | { readonly kind: "baseless"; readonly currentVersion: number };

// Each holds some hundred KiB at most; what waits for its turn has been admitted, and is counted there.
const checksMax = 32;
// The extents of 5 TiB take some 30 MiB while they are looked at.
const pagedChecksMax = 1;

export class UploadCheck {
  readonly #options: UploadCheckOptions;
  readonly #slots = new Slots(checksMax);
  readonly #pagedSlots = new Slots(pagedChecksMax);

  constructor(options: UploadCheckOptions) {
    this.#options = options;
  }

  /**
   * @throws QuorumError `invalid_argument`: the manifest contradicts itself or the version it builds on; `unavailable`: a
   *   chunk is not durable, which the message names; `cancelled` by `signal`
   */
  check(request: UploadCheckRequest, signal: CancelSignal): Promise<UploadVerdict> {
    const slots = request.manifest.pages ? this.#pagedSlots : this.#slots;
    return slots.run(() => this.#check(request, signal), signal);
  }

  async #check(request: UploadCheckRequest, signal: CancelSignal): Promise<UploadVerdict> {
    const { manifest, size, requestId, bucket, path, condition } = request;
    const { durability, pages } = this.#options;
    const owner = { bucket: bucket.id, path };
    if (manifest.pages) await durability.check(request, [manifest.pages], signal);
    const extents = await pages.extentsOf(owner, { manifest, size }, signal);
    if (manifest.pages) checkUploads({ ...manifest, extents }, { requestId, condition });
    const verdict = await this.#checkCarriedOver(request, extents, signal);
    if (verdict) return verdict;
    const own = extents.filter(({ upload }) => sameBytes(upload, requestId));
    await durability.check(request, own, signal);
    return { kind: "durable", ranges: chunkRangesOf(manifest, extents) };
  }

  /** @returns why the rest need not be looked at, if so */
  async #checkCarriedOver(
    request: UploadCheckRequest,
    extents: readonly Extent[],
    signal: CancelSignal,
  ): Promise<UploadVerdict | undefined> {
    const { condition, requestId: own } = request;
    if (condition.kind !== "version" || extents.every(({ upload }) => sameBytes(upload, own))) return undefined;
    const current = await this.#options.current.read(request, signal);
    const currentVersion = current?.value.version.counter ?? 0;
    if (currentVersion > condition.counter) return { kind: "overtaken" };
    if (!current || currentVersion < condition.counter) return { kind: "baseless", currentVersion };
    const stranger = strangerAmong(extents, { own, current: current.extents });
    if (!stranger) return undefined;
    throw new QuorumError({
      code: "invalid_argument",
      message:
        `chunks ${stranger.first} to ${stranger.first + stranger.checksums.length - 1} of upload ` +
        `${uploadName(stranger.upload)} are not those of version ${condition.counter}; take over only what it is made of`,
    });
  }
}

export interface UploadCheckOptions {
  readonly durability: DurabilityCheck;
  readonly pages: ManifestPages;
  readonly current: CurrentFiles;
}
