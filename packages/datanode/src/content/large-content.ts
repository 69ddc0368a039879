import type { Clock, Log, NodeId } from "@quorumfs/core";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { Peers } from "../coordinator/peers.js";
import type { LocalReplica } from "../replica/local-replica.js";
import { ChunkFetch } from "./chunk-fetch.js";
import { ChunkPeers } from "./chunk-peers.js";
import { ChunkPlaces } from "./chunk-places.js";
import { CurrentFiles } from "./current-file.js";
import { DurabilityCheck } from "./durability-check.js";
import { FileChanges } from "./file-changes.js";
import { KeepNotices } from "./keep-notices.js";
import { LargePuts } from "./large-puts.js";
import { ManifestPages } from "./manifest-pages.js";
import { MissingChunks } from "./missing-chunks.js";
import { OwnerChecks } from "./owner-checks.js";
import { OwnerWalks } from "./owner-walks.js";
import { UploadCheck } from "./upload-check.js";

export interface LargeContentOptions {
  readonly chunks: ChunkStore;
  readonly coordinator: Coordinator;
  readonly replica: LocalReplica;
  readonly peers: Peers;
  readonly store: ClusterStore;
  readonly isLocal: (node: NodeId) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  /** How many files the background checks look at. */
  readonly ownersPerSecond: number;
  /** How often it is looked for uploads whose lease is over. */
  readonly sweepEveryMs: number;
}

/** All that a DataNode does about files of chunks besides storing the chunks, put together. */
export class LargeContent {
  readonly peers: ChunkPeers;
  readonly places: ChunkPlaces;
  readonly pages: ManifestPages;
  readonly fetch: ChunkFetch;
  readonly changes: FileChanges;
  readonly ownerChecks: OwnerChecks;
  readonly ownerWalks: OwnerWalks;
  readonly #notices: KeepNotices;
  readonly #missing: MissingChunks;

  constructor(options: LargeContentOptions) {
    const { chunks, coordinator, store, isLocal, clock, log, sweepEveryMs } = options;
    this.peers = new ChunkPeers({ peers: options.peers, chunks, isLocal });
    this.places = new ChunkPlaces({ store, isLocal });
    const { peers, places } = this;
    const pages = (this.pages = new ManifestPages({ peers, places }));
    const current = new CurrentFiles({ coordinator, pages });
    const durability = new DurabilityCheck({ peers, store, clock });
    const check = new UploadCheck({ durability, pages, current });
    const largePuts = new LargePuts({ coordinator, check, clock });
    const fetch = (this.fetch = new ChunkFetch({ peers, places, isLocal }));
    this.#notices = new KeepNotices({ peers, store, log });
    this.#missing = new MissingChunks({ ...options, fetch });
    this.changes = new FileChanges({ coordinator, largePuts, notices: this.#notices, chunks });
    const walks = (this.ownerWalks = new OwnerWalks({ ...options, current, notices: this.#notices }));
    this.ownerChecks = new OwnerChecks({ walks, store, isLocal, clock, log, sweepEveryMs });
  }

  /** Chunks that belong here, as far as is known, and are on their way. */
  get missingChunks(): number {
    return this.#missing.size;
  }

  /** Begins to look after what was missed while this node was not there. */
  start(): void {
    this.ownerChecks.start();
  }

  /** Ends what goes on in the background. Idempotent. */
  async close(): Promise<void> {
    this.#notices.close();
    await Promise.all([this.ownerChecks.close(), this.#missing.close()]);
  }
}
