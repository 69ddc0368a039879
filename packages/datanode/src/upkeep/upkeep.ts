/** What a DataNode does for what it holds while nobody asks for it: reads it, and has put right what is damaged. */
import type { Clock, Disk, Log, LogFields, Random, Route } from "@quorumfs/core";
import type { DamageCounts } from "@quorumfs/proto";
import { type ChunkKey, chunkKeyBytes, chunkKeyOf } from "../chunk/chunk-key.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { ConditionWatch, DamagedKind } from "../observe/condition-watch.js";
import type { NoticedEvents } from "../observe/noticed-events.js";
import type { DamagedFile } from "../replica/file-table.js";
import { recordKey } from "../replica/record-key.js";
import type { ChunkRepair } from "./chunk-repair.js";
import { ChunkWalk } from "./chunk-walk.js";
import { DamageLedger } from "./damage-ledger.js";
import { fileOfKey } from "./damaged-file-key.js";
import { maintenanceRoutes } from "./maintenance-routes.js";
import { PromiseWalk } from "./promise-walk.js";
import { RecordWalk } from "./record-walk.js";
import { type RepairOutcome, RepairQueue } from "./repair-queue.js";
import { Scrub, type ScrubReport } from "./scrub.js";

/** Gets a record, or its content, back from the other replicas. */
export interface RecordRepairer {
  /** `repaired`: it was read back from the disk, and is sound. */
  repair(file: DamagedFile): Promise<RepairOutcome>;
}

export interface UpkeepOptions {
  readonly disk: Disk;
  readonly chunks: Pick<ChunkStore, "entries" | "verify" | "usage" | "onDamage">;
  readonly chunkRepair: Pick<ChunkRepair, "repair">;
  readonly recordRepair: RecordRepairer;
  /** Tells when another node is back, and may have what is missing here; knows buckets by name. */
  readonly cluster: Pick<ClusterStore, "onInstalled" | "view">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scrubPeriodMs: number;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** Told of what is damaged, and what was repaired. */
  readonly conditions: Pick<ConditionWatch, "found" | "repaired">;
  readonly events: Pick<NoticedEvents, "notice">;
  /** A pass over everything is complete. */
  readonly onScrubbed: () => void;
}

// A record is a round of votes. A chunk is 4 MiB over the network and twice over the disk: two hide each other's waits.
const recordRepairsAtOnce = 4;
const chunkRepairsAtOnce = 2;

export class Upkeep {
  readonly routes: readonly Route[];
  readonly #options: UpkeepOptions;
  readonly #log: Log;
  readonly #ledger: DamageLedger;
  readonly #scrub: Scrub;
  readonly #records: RepairQueue<DamagedFile>;
  readonly #chunks: RepairQueue<ChunkKey>;
  readonly #unsubscribe: () => void;

  constructor(options: UpkeepOptions) {
    const { disk, chunks, chunkRepair, recordRepair, clock, random, log } = options;
    this.#options = options;
    this.#log = log;
    const ledger = (this.#ledger = new DamageLedger({ disk, log }));
    this.#records = new RepairQueue<DamagedFile>({
      kind: "record",
      ledger,
      clock,
      random,
      log,
      concurrency: recordRepairsAtOnce,
      encode: ({ bucket, path }) => recordKey(bucket, path).bytes,
      decode: fileOfKey,
      describe: ({ bucket, path }) => ({ bucket, path }),
      onRepaired: (file) => this.#tellRepaired("record", this.#nameOf(file)),
      repair: (file) => recordRepair.repair(file),
    });
    this.#chunks = new RepairQueue<ChunkKey>({
      kind: "chunk",
      ledger,
      clock,
      random,
      log,
      concurrency: chunkRepairsAtOnce,
      encode: chunkKeyBytes,
      decode: chunkKeyOf,
      describe: describeChunk,
      onRepaired: (key) => this.#tellRepaired("chunk", this.#nameOfChunk(key)),
      repair: (key, signal) => chunkRepair.repair(key, signal),
    });
    // The store has logged it.
    chunks.onDamage((key) => {
      if (this.#chunks.add(key)) options.conditions.found("chunk", this.#nameOfChunk(key));
    });
    const onDamage = (file: DamagedFile) => this.onRecordDamage(file);
    this.#scrub = new Scrub({
      walks: [new RecordWalk({ disk, clock, onDamage }), new PromiseWalk({ disk, onDamage }), new ChunkWalk(chunks)],
      disk,
      clock,
      log,
      periodMs: options.scrubPeriodMs,
      isBusy: options.isBusy,
      isCongested: () => this.#records.isCongested || this.#chunks.isCongested,
      onStarted: (bytes) => {
        options.events.notice("scrub.started", `reads and checks ${bytes} bytes`, { bytes });
      },
      onCompleted: ({ records, chunks: chunksRead, bytes, elapsedMs }) => {
        const message = `${records} records and ${chunksRead} chunks were read and checked in ${Math.round(elapsedMs / 1000)} s`;
        options.events.notice("scrub.completed", message, {
          records,
          chunks: chunksRead,
          bytes,
          elapsed_ms: elapsedMs,
        });
        options.onScrubbed();
      },
    });
    this.#unsubscribe = options.cluster.onInstalled((view, before) => {
      if (hasNewHope(view, before)) this.#retryRepairs();
    });
    this.routes = maintenanceRoutes({ scrub: this.#scrub, damage: () => ledger.counts });
  }

  /** Since the store was made. */
  get damage(): DamageCounts {
    return this.#ledger.counts;
  }

  /** What waits for its repair. */
  get toRepair(): { readonly records: number; readonly chunks: number } {
    return { records: this.#records.size, chunks: this.#chunks.size };
  }

  get scrub(): ScrubReport {
    return this.#scrub.report;
  }

  /** A read, a vote or a listing has met a record that is damaged. */
  onRecordDamage({ bucket, path }: DamagedFile): void {
    if (!this.#records.add({ bucket, path })) return;
    this.#log.error("record.damaged", { bucket, path });
    this.#options.conditions.found("record", this.#nameOf({ bucket, path }));
  }

  /** Goes on with what the process before this one has left. */
  start(): void {
    this.#records.resume();
    this.#chunks.resume();
    this.#scrub.resume();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([this.#scrub.close(), this.#records.close(), this.#chunks.close()]);
  }

  #tellRepaired(kind: DamagedKind, what: string): void {
    this.#options.conditions.repaired(kind, what);
  }

  /** As people name it. */
  #nameOf({ bucket, path }: Pick<DamagedFile, "bucket" | "path">): string {
    return `${this.#options.cluster.view.buckets.get(bucket)?.name ?? `#${bucket}`}/${path}`;
  }

  #nameOfChunk({ owner, index }: ChunkKey): string {
    return `chunk ${index} of ${this.#nameOf(owner)}`;
  }

  #retryRepairs(): void {
    this.#records.retryNow();
    this.#chunks.retryNow();
  }
}

/** A node is up that was not, or the layout is another. */
function hasNewHope(view: ClusterView, before: ClusterView): boolean {
  if (view.layoutNumber !== before.layoutNumber) return true;
  return [...view.nodes.values()].some(({ id, state }) => state === "up" && before.nodes.get(id)?.state !== "up");
}

function describeChunk({ owner, upload, index }: ChunkKey): LogFields {
  return { bucket: owner.bucket, path: owner.path, upload: Buffer.from(upload).toString("hex"), index };
}
