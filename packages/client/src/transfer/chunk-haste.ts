/**
 * When a second replica is asked for a chunk: as soon as the first bytes take longer than they did in 19 of 20 reads lately
 * (Dean and Barroso, "The Tail at Scale"). So a slow disk costs a reader little, and chunks are read twice only as often as
 * that happens; where our own line is what is slow, all reads are, and the measure grows with them.
 */
import type { BulkPeer } from "../routing/bulk-peer.js";
import { Latency } from "../routing/latency.js";
import { isSlow } from "../routing/pace.js";

// A disk's hiccup is over sooner than a second replica has answered.
const hasteMinMs = 50;
// Of all reads. More than one in twenty are slow only while the measure still learns, or when replicas are asked in vain.
const spareShare = 0.1;
const spareMin = 2;

export class ChunkHaste {
  readonly #all = new Latency();
  #reads = 0;
  #seconds = 0;

  /** The first bytes of a read have come. */
  came(peer: BulkPeer, elapsedMs: number, nowMs: number): void {
    this.#reads += 1;
    this.#all.measured(elapsedMs, nowMs);
    peer.firstBytes.measured(elapsedMs, nowMs);
  }

  /** Another replica was quicker. */
  wasLate(peer: BulkPeer, elapsedMs: number, nowMs: number): void {
    peer.firstBytes.measured(elapsedMs, nowMs);
  }

  /** How long the first replica has for its first bytes, at most `longestMs`. */
  patienceMs(longestMs: number): number {
    const mayAsk = this.#seconds < spareMin + this.#reads * spareShare;
    return mayAsk ? Math.min(longestMs, Math.max(hasteMinMs, this.#all.p95Ms)) : longestMs;
  }

  /** A second replica is asked. */
  askedTwice(): void {
    this.#seconds += 1;
  }

  /** Whether a replica has been so much slower than the quickest that it is better asked last. */
  isSlow(peer: BulkPeer, quickestMs: number, nowMs: number): boolean {
    return isSlow(peer.firstBytes.expectedMs(nowMs), quickestMs);
  }
}
