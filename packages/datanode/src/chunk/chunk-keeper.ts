/**
 * KEEP: applies a chosen version of a file to the chunks that are here (PROTOCOL.md, "When a chunk may go").
 *
 * A file may have a million chunks, so this goes in steps, each a change of its own, and others have their turn between them. The
 * order makes a crash between any two of them harmless: first what the version names is safe, then the version is entered,
 * which refuses older ones, and only then what it does not name is retired.
 */
import { Buffer } from "node:buffer";
import {
  type Ballot,
  type ChunkRange,
  type Clock,
  fateOf,
  isNews,
  isZeroBallot,
  QuorumError,
  sameBallot,
  type UploadStanding,
  zeroBallot,
} from "@quorumfs/core";
import type { ChunkIndex } from "./chunk-index.js";
import {
  type ChunkKey,
  type FileOwner,
  indexedKeyBytes,
  ownerKeyBytes,
  uploadIdBytes,
  uploadKeyBytes,
  uploadKeyOf,
  uploadPartOf,
} from "./chunk-key.js";
import { openChunkRow, openOwnerRow } from "./chunk-rows.js";
import type { IndexChange } from "./index-change.js";
import { NamedChunks } from "./named-chunks.js";
import { pageOf, prefixRange } from "./row-range.js";

/** Chunks per step: a commit of some hundred KiB, a few milliseconds. */
const stepChunks = 1024;

/** Notices that may be under way together; who is refused comes again, since notices are hints. */
const keepsMax = 1024;

const retryAfterMs = 200;

export interface ChunkKeeperOptions {
  readonly index: ChunkIndex;
  readonly clock: Clock;
  /** When a lease that begins now will end; wall clock, ms. */
  readonly leaseFromNow: () => number;
  /** Whether this node is among the replicas of a chunk. */
  readonly belongsHere: (upload: Uint8Array, index: number) => boolean;
  readonly onMissing: (chunk: ChunkKey) => void;
  readonly onForeign: (chunk: ChunkKey) => void;
}

interface Notice {
  readonly owner: FileOwner;
  readonly ownerKey: Buffer;
  readonly version: Ballot;
  readonly named: NamedChunks;
  readonly afterIdentityRound: boolean;
}

export class ChunkKeeper {
  readonly #options: ChunkKeeperOptions;
  /** Notices of one file are applied one after the other. */
  readonly #tails = new Map<string, Promise<void>>();
  #underWay = 0;
  /** Files of which it is not known what they need. */
  readonly #doubtful = new Map<string, FileOwner>();

  constructor(options: ChunkKeeperOptions) {
    this.#options = options;
  }

  /** Files whose row is damaged or lost: no notice is heeded until an identity round has found what they need. */
  get doubtful(): readonly FileOwner[] {
    return [...this.#doubtful.values()];
  }

  /** See `ChunkStore.keep`. */
  async keep(
    owner: FileOwner,
    version: Ballot,
    ranges: readonly ChunkRange[],
    options: { readonly afterIdentityRound: boolean },
  ): Promise<void> {
    const notice = { owner, ownerKey: ownerKeyBytes(owner), version, named: new NamedChunks(ranges), ...options };
    await this.#inTurn(notice.ownerKey, () => this.#apply(notice));
  }

  /** See `ChunkStore.release`. */
  async release(owner: FileOwner): Promise<void> {
    const ownerKey = ownerKeyBytes(owner);
    const nothing = { ownerKey, named: new NamedChunks([]), afterIdentityRound: true };
    await this.#inTurn(ownerKey, () => this.#retireOthers(nothing));
  }

  async #inTurn(ownerKey: Buffer, action: () => Promise<void>): Promise<void> {
    if (this.#underWay >= keepsMax) throw overloaded();
    const name = ownerKey.toString("latin1");
    const before = this.#tails.get(name) ?? Promise.resolve();
    this.#underWay += 1;
    const applied = before.then(action);
    // Whoever comes next waits for the end, be it good or bad.
    const tail = applied.catch(() => undefined);
    this.#tails.set(name, tail);
    try {
      await applied;
    } finally {
      this.#underWay -= 1;
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }

  /** Resolves when no notice is being applied. */
  async settled(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  async #apply(notice: Notice): Promise<void> {
    const known = this.#knownOf(notice);
    if (known === "unknown" || !isNews(known, notice.version)) return;
    const concernsUs = await this.#protect(notice);
    if (!concernsUs && known === undefined && !this.#hasAny("leases", notice.ownerKey)) return;
    // A walk over all files tells what is known already, for the most part.
    if (!known || isZeroBallot(known) || !sameBallot(known, notice.version)) {
      await this.#options.index.change((change) => change.setOwner(notice.ownerKey, notice.version));
    }
    await this.#retireOthers(notice);
  }

  /** The newest version heard of. */
  #knownOf({ owner, ownerKey, afterIdentityRound }: Notice): Ballot | "unknown" | undefined {
    const row = this.#options.index.tables.owners.get(ownerKey);
    const known = row && openOwnerRow(ownerKey, Buffer.from(row));
    if (known) return known;
    // Without it nothing of the file can have been named.
    if (!row && !this.#hasAny("kept", ownerKey)) return undefined;
    if (afterIdentityRound) return zeroBallot;
    if (this.#doubtful.size < keepsMax) this.#doubtful.set(ownerKey.toString("latin1"), owner);
    return "unknown";
  }

  /** Makes sure of all that the version names. @returns whether any of it is here, or should be */
  async #protect(notice: Notice): Promise<boolean> {
    let concernsUs = false;
    for (const upload of notice.named.uploads) {
      for (const { first, end } of notice.named.spansOf(upload)) {
        for (let start = first; start < end; start += stepChunks) {
          const step = { upload, start, end: Math.min(end, start + stepChunks) };
          if (await this.#protectStep(notice, step)) concernsUs = true;
          await this.#turn();
        }
      }
    }
    return concernsUs;
  }

  async #protectStep(
    { owner }: Notice,
    { upload, start, end }: { readonly upload: Uint8Array; readonly start: number; readonly end: number },
  ): Promise<boolean> {
    const { index, belongsHere, onMissing, onForeign, leaseFromNow } = this.#options;
    const uploadKey = uploadKeyBytes(owner, upload);
    const retired: Buffer[] = [];
    const here = new Set<number>();
    const range = { start: indexedKeyBytes(uploadKey, start), end: indexedKeyBytes(uploadKey, end - 1) };
    // The last key itself is looked up, since the index behind it may not exist.
    const rows = pageOf(index.tables.chunks, range, stepChunks);
    const last = index.tables.chunks.get(range.end);
    if (last) rows.push({ key: range.end, value: Buffer.from(last) });
    for (const { key, value } of rows) {
      here.add(key.readUInt32BE(uploadKey.length));
      const row = openChunkRow(key, value);
      if (row && row.retiredAtMs > 0) retired.push(key);
    }
    const missing: number[] = [];
    for (let at = start; at < end; at += 1) {
      if (here.has(at) === belongsHere(upload, at)) continue;
      if (here.has(at)) onForeign({ owner, upload, index: at });
      else missing.push(at);
    }
    if (here.size === 0 && missing.length === 0) return false;
    const gone = await index.change((change) => {
      if (change.upload(uploadKey, leaseFromNow)?.kind !== "kept")
        change.setUpload(uploadKey, { kind: "kept" }, leaseFromNow);
      return retired.filter((key) => !wasRevived(change, key));
    });
    for (const key of gone) missing.push(key.readUInt32BE(uploadKey.length));
    for (const at of missing) onMissing({ owner, upload, index: at });
    return true;
  }

  async #retireOthers(notice: Pick<Notice, "ownerKey" | "named" | "afterIdentityRound">): Promise<void> {
    const { index } = this.#options;
    const { ownerKey, named } = notice;
    this.#doubtful.delete(ownerKey.toString("latin1"));
    const uploadEnd = ownerKey.length + uploadIdBytes;
    let candidates: Buffer[] = [];
    for await (const { key, value } of index.scan(index.tables.chunks, prefixRange(ownerKey))) {
      if (named.has(key.subarray(ownerKey.length, uploadEnd), key.readUInt32BE(uploadEnd))) continue;
      const row = openChunkRow(key, value);
      if (row && row.retiredAtMs > 0) continue;
      candidates.push(key);
      if (candidates.length < stepChunks) continue;
      await this.#retire(notice, candidates);
      candidates = [];
    }
    if (candidates.length > 0) await this.#retire(notice, candidates);
    await this.#tidy(notice);
  }

  #retire({ afterIdentityRound }: Pick<Notice, "afterIdentityRound">, keys: readonly Buffer[]): Promise<void> {
    const { index, clock, leaseFromNow } = this.#options;
    const nowMs = Math.floor(clock.wallMs());
    return index.change((change) => {
      const standings = new Map<string, UploadStanding | undefined>();
      for (const key of keys) {
        const uploadKey = uploadPartOf(key);
        const name = uploadKey.toString("latin1");
        if (!standings.has(name)) standings.set(name, change.upload(uploadKey, leaseFromNow));
        const upload = standings.get(name);
        if (!upload || fateOf({ named: false, upload, afterIdentityRound, nowMs }) !== "retire") continue;
        const row = change.chunk(key);
        if (row === "damaged") change.dropDamaged(key);
        else if (row?.retiredAtMs === 0) change.retire(key, row, nowMs);
      }
    });
  }

  /** Forgets uploads that were named and have no chunks here, and the file if it has no others. */
  async #tidy({ ownerKey, named }: Pick<Notice, "ownerKey" | "named">): Promise<void> {
    const { index } = this.#options;
    const empty: Buffer[] = [];
    for await (const { key } of index.scan(index.tables.kept, prefixRange(ownerKey))) {
      const upload = uploadKeyOf(key)?.upload;
      if (upload && named.spansOf(upload).length === 0) empty.push(key);
    }
    if (empty.length > 0) await index.change((change) => empty.forEach((key) => change.tidy(key)));
  }

  #hasAny(table: "kept" | "leases", ownerKey: Buffer): boolean {
    return pageOf(this.#options.index.tables[table], prefixRange(ownerKey), 1).length > 0;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.endOfTurn(resolve));
  }
}

function wasRevived(change: IndexChange, key: Buffer): boolean {
  const row = change.chunk(key);
  if (row === undefined) return false;
  if (row !== "damaged" && row.retiredAtMs > 0) change.revive(key, row);
  return true;
}

function overloaded(): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: "too many notices of what is to be kept are under way; send it again later",
    details: { retryAfterMs, mayHaveRun: false },
  });
}
