/** What the disk took to make commits durable, and how many of them shared a wait. */
import { exponentialBounds, Histogram } from "@quorumfs/telemetry";

/** From a disk that lies about its cache to one that is about to fail. */
export const commitSecondsBounds = exponentialBounds({ from: 0.0001, factor: 2, count: 16 });
export const groupWritesBounds = exponentialBounds({ from: 1, factor: 2, count: 13 });

export class StoreMeter {
  readonly seconds = new Histogram(commitSecondsBounds);
  readonly writes = new Histogram(groupWritesBounds);
  bytes = 0;

  /** A group of commits is durable. */
  committed(group: { readonly writes: number; readonly bytes: number; readonly elapsedMs: number }): void {
    this.seconds.observe(group.elapsedMs / 1000);
    this.writes.observe(group.writes);
    this.bytes += group.bytes;
  }
}
