import { Buffer } from "node:buffer";
import { type ChunkRange, type Clock, isRevivable, renewed } from "@quorumfs/core";
import type { ChunkIndex } from "./chunk-index.js";
import { type FileOwner, indexedKeyBytes, uploadKeyBytes } from "./chunk-key.js";
import { openChunkRow, openLeaseRow } from "./chunk-rows.js";
import type { IndexChange } from "./index-change.js";
import { behind } from "./row-range.js";

/** A renewal that gains less than this share of a lease is not worth a write. */
const slack = 1 / 64;

export interface UploadLeasesOptions {
  readonly index: ChunkIndex;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** A retired upload is still of use to somebody. */
  readonly onUse: (uploadKey: Buffer) => void;
}

/** How long uploads are kept that no version names. */
export class UploadLeases {
  readonly #options: UploadLeasesOptions;

  constructor(options: UploadLeasesOptions) {
    this.#options = options;
  }

  /** When a lease that begins now will end; wall clock, ms. */
  readonly fromNow = (): number => this.#options.clock.wallMs() + this.#options.leaseMs;

  /** One more chunk of this upload has come. */
  extend(change: IndexChange, uploadKey: Buffer): void {
    const { clock, leaseMs } = this.#options;
    const upload = renewed(change.upload(uploadKey, this.fromNow), { nowMs: clock.wallMs(), leaseMs });
    change.setUpload(uploadKey, upload, this.fromNow);
  }

  /** @param chunks of the upload: those of them that were retired are needed again, unless the upload was named once */
  renew(change: IndexChange, uploadKey: Buffer, chunks: readonly Buffer[]): void {
    const upload = change.upload(uploadKey, this.fromNow);
    if (!upload || !isRevivable(upload)) return;
    this.extend(change, uploadKey);
    for (const key of chunks) {
      const row = change.chunk(key);
      if (row !== undefined && row !== "damaged" && row.retiredAtMs > 0) change.revive(key, row);
    }
  }

  /** Renews the uploads of some chunks. Resolves when that is durable. */
  async renewAll(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<void> {
    const { index, onUse } = this.#options;
    for (const { upload, first, count } of ranges) {
      const uploadKey = uploadKeyBytes(owner, upload);
      const retired = await this.#retiredAmong(uploadKey, { first, count });
      if (retired.length > 0) onUse(uploadKey);
      if (retired.length === 0 && !this.#isRenewalDue(uploadKey)) continue;
      await index.change((change) => this.renew(change, uploadKey, retired));
    }
    await index.durable();
  }

  /** Keys of retired chunks in a range of an upload. */
  async #retiredAmong(uploadKey: Buffer, range: { readonly first: number; readonly count: number }): Promise<Buffer[]> {
    const { index } = this.#options;
    if (index.totals.retiredBytes === 0) return [];
    const start = indexedKeyBytes(uploadKey, range.first);
    const end = behind(indexedKeyBytes(uploadKey, range.first + range.count - 1));
    const retired: Buffer[] = [];
    for await (const { key, value } of index.scan(index.tables.chunks, { start, end })) {
      if ((openChunkRow(key, value)?.retiredAtMs ?? 0) > 0) retired.push(key);
    }
    return retired;
  }

  #isRenewalDue(uploadKey: Buffer): boolean {
    const { index, leaseMs } = this.#options;
    const bytes = index.tables.leases.get(uploadKey);
    if (!bytes) return false;
    const lease = openLeaseRow(uploadKey, Buffer.from(bytes));
    return (lease?.untilMs ?? 0) < this.fromNow() - leaseMs * slack;
  }
}
