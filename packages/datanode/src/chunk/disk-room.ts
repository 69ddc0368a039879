import { type Clock, type ContentFiles, type Disk, QuorumError } from "@quorumfs/core";

/** Asking the file system costs some microseconds, and every write of a client looks. */
const sampleMs = 100;

const retryAfterMs = 1000;

export interface DiskRoomOptions {
  readonly files: Pick<ContentFiles, "space">;
  /** Of the rows and records: perhaps another volume. */
  readonly disk: Pick<Disk, "space">;
  readonly clock: Clock;
  /** Share of a volume; with less free, new content goes elsewhere. */
  readonly fullBelow: number;
}

/** Whether there is room for new content, with what was promised to others and is not written yet taken off. */
export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #promised = 0;
  #sampledAtMs = -Infinity;
  #spareBytes = Infinity;
  #recordsFull = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    this.#sample();
    return this.#recordsFull || this.#spareBytes - this.#promised <= 0;
  }

  /** @throws QuorumError `resource_exhausted`: there is no room for so much */
  check(bytes: number): void {
    this.#sample();
    if (this.#recordsFull || this.#spareBytes - this.#promised - bytes < 0) throw full();
  }

  /**
   * Sets room aside.
   *
   * @returns how to give it back: when it is used up, and so seen at the file system, or no longer wanted
   * @throws QuorumError `resource_exhausted`
   */
  promise(bytes: number): () => void {
    this.check(bytes);
    this.#promised += bytes;
    let kept = true;
    return () => {
      if (!kept) return;
      kept = false;
      this.#promised -= bytes;
      this.#sampledAtMs = -Infinity;
    };
  }

  #sample(): void {
    const { files, disk, clock } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - this.#sampledAtMs < sampleMs) return;
    this.#sampledAtMs = nowMs;
    this.#spareBytes = this.#spareOf(files);
    this.#recordsFull = this.#spareOf(disk) <= 0;
  }

  #spareOf(volume: Pick<Disk, "space">): number {
    const { freeBytes, totalBytes } = volume.space();
    // A volume that does not say how large it is never counts as full.
    return totalBytes > 0 ? freeBytes - totalBytes * this.#options.fullBelow : Infinity;
  }
}

function full(): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: "this DataNode's disk is nearly full: it takes no new content; delete files or add DataNodes",
    details: { retryAfterMs, mayHaveRun: false },
  });
}
