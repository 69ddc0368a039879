import type { Clock, Log, NodeId, Random, Route } from "@quorumfs/core";
import { SyncState, type SyncStatus } from "@quorumfs/proto";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { LargeContent } from "../content/large-content.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { Peers } from "../coordinator/peers.js";
import type { VoteLinks } from "../coordinator/vote-links.js";
import type { HandoverStatus } from "../handover/handover.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ConditionWatch } from "../observe/condition-watch.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { CatchUp } from "./catch-up.js";
import { ChunkCatchUp } from "./chunk-catch-up.js";
import type { Digests } from "./digests.js";
import { LargeFiles } from "./large-files.js";
import type { PartitionGate } from "./partition-gate.js";
import { type FetchOutcome, RecordCatchUp } from "./record-catch-up.js";
import { RecordSource } from "./record-source.js";
import { syncRoutes } from "./sync-routes.js";
import { TransferPace, type TransferRates } from "./transfer-pace.js";

export interface SyncOptions {
  readonly digests: Digests;
  readonly context: ReplicaContext;
  readonly gate: PartitionGate;
  readonly replica: LocalReplica;
  readonly store: ClusterStore;
  readonly peers: Peers;
  readonly links: VoteLinks;
  readonly coordinator: Coordinator;
  readonly chunks: ChunkStore;
  readonly large: Pick<LargeContent, "ownerWalks" | "missingChunks">;
  readonly isLocal: (node: NodeId) => boolean;
  readonly handover: () => HandoverStatus;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  readonly rates: TransferRates;
  readonly compareEveryMs: number;
  /** Told of what is fetched. */
  readonly conditions: Pick<ConditionWatch, "fetching" | "fetched">;
}

/** What replicas do to be equal, put together: what this node tells of its records, and how it catches up. */
export class Sync {
  readonly routes: readonly Route[];
  readonly #options: SyncOptions;
  readonly #catchUp: CatchUp;
  readonly #largeFiles: LargeFiles;
  readonly #records: RecordCatchUp;

  constructor(options: SyncOptions) {
    const { digests, context, gate, replica, clock, log, isBusy, rates, large, refresh } = options;
    this.#options = options;
    const records = new RecordSource({ replica, context, gate, clock, isBusy });
    this.routes = syncRoutes({ context, gate, digests, records });
    const pace = new TransferPace({ clock, rates, isBusy });
    const largeFiles = (this.#largeFiles = new LargeFiles({ walks: large.ownerWalks, clock, log }));
    this.#records = new RecordCatchUp({ ...options, pace });
    this.#catchUp = new CatchUp({
      ...options,
      records: this.#records,
      chunks: new ChunkCatchUp({ ...options, files: largeFiles }),
      holds: (partition) => context.holds(partition),
      refresh: () => refresh().catch(() => undefined),
      onLarge: (owners) => largeFiles.lookAfter(owners),
    });
  }

  get status(): SyncStatus {
    const { large, handover } = this.#options;
    const { state, obstacle, ...progress } = this.#catchUp.status;
    const moving = handover();
    const behindChunks = large.missingChunks;
    const lacksChunks = behindChunks > 0 || this.#largeFiles.isBusy;
    return {
      ...progress,
      ...moving,
      state: state === SyncState.SYNC_STATE_IN_SYNC && lacksChunks ? SyncState.SYNC_STATE_CATCHING_UP : state,
      remainingMs: Math.max(progress.remainingMs, moving.remainingMs),
      behindChunks,
      obstacle: obstacle === "" ? moving.obstacle : obstacle,
    };
  }

  /** What became of the records that catching up was to fetch, since the start. */
  get fetched(): Readonly<Record<FetchOutcome, number>> {
    return this.#records.totals;
  }

  start(): void {
    const { digests, replica } = this.#options;
    this.#catchUp.start();
    digests.start(() => replica.unsyncedFiles());
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#catchUp.close(), this.#largeFiles.close(), this.#options.digests.close()]);
  }
}
