import type { Clock, Disk } from "@quorumfs/core";
import type { DamageCounts, Load, SyncStatus } from "@quorumfs/proto";
import type { Admission } from "../admission.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { LocalReplica } from "../replica/local-replica.js";

/** What a node can say of its own process. */
export interface Probe {
  sample(): {
    /** 99th percentile since the sample before. */
    readonly eventLoopDelayMs: number;
    /** Of one core. */
    readonly cpuFraction: number;
    readonly residentBytes: number;
  };
}

export interface LoadMeterOptions {
  readonly admission: Admission;
  readonly replica: LocalReplica;
  readonly chunks: Pick<ChunkStore, "usage" | "isFull">;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly probe: Probe;
  /** What was found damaged here, and what was put right, since the store was made. */
  readonly damage: () => DamageCounts;
  /** How far this node is behind the other replicas. */
  readonly sync: () => SyncStatus;
}

// Records are counted by looking at what is not on disk yet: worth the effort every few seconds, not with every beat.
const recordsEverySamples = 10;

// What can wait does so when operations queue here, or turns of the event loop take long: an idle node has none of either.
const busyOperations = 32;
const busyDelayMs = 20;

/** How busy this node is; clients and the SuperNode choose by it. */
export class LoadMeter {
  readonly #options: LoadMeterOptions;
  #finishedBefore = 0;
  #sampledAtMs: number;
  #samples = 0;
  #records = 0;
  #eventLoopDelayMs = 0;

  constructor(options: LoadMeterOptions) {
    this.#options = options;
    this.#sampledAtMs = options.clock.nowMs();
  }

  /** Whether clients need this node for themselves just now. */
  get isBusy(): boolean {
    return this.#options.admission.inFlight >= busyOperations || this.#eventLoopDelayMs >= busyDelayMs;
  }

  /** The load since the sample before. */
  sample(): Load {
    const { admission, replica, chunks, disk, clock, probe, damage, sync } = this.#options;
    const { eventLoopDelayMs, cpuFraction, residentBytes } = probe.sample();
    this.#eventLoopDelayMs = eventLoopDelayMs;
    if (this.#samples % recordsEverySamples === 0) this.#records = replica.recordCount;
    this.#samples += 1;
    const { freeBytes, totalBytes } = disk.space();
    const nowMs = clock.nowMs();
    const elapsedS = Math.max(0.001, (nowMs - this.#sampledAtMs) / 1000);
    const operationsPerSecond = (admission.finished - this.#finishedBefore) / elapsedS;
    this.#sampledAtMs = nowMs;
    this.#finishedBefore = admission.finished;
    const usage = chunks.usage();
    return {
      eventLoopDelayMs,
      inFlight: admission.inFlight,
      cpuFraction,
      diskUsedBytes: totalBytes - freeBytes,
      diskFreeBytes: freeBytes,
      residentBytes,
      records: this.#records,
      operationsPerSecond,
      chunks: usage.chunks,
      chunkBytes: usage.bytes,
      reclaimableBytes: usage.reclaimableBytes,
      uploadingBytes: usage.uploadingBytes,
      full: chunks.isFull,
      damage: damage(),
      sync: sync(),
    };
  }
}
