import type { Channel, Network } from "@quorumfs/core";
import { Latency } from "./latency.js";

// After a failure a node is left alone for this long, then twice as long, up to the longest: it may be restarting.
const restFirstMs = 200;
const restLongestMs = 10_000;

export interface BulkPeerOptions {
  readonly id: number;
  readonly address: string;
  readonly identity: ReadonlyMap<string, string>;
  readonly network: Network;
}

/** The way to one DataNode for chunks, on a connection of its own so that bulk data delays no vote; made when first used. */
export class BulkPeer {
  readonly id: number;
  readonly address: string;
  readonly #options: BulkPeerOptions;
  #channel: Channel | undefined;
  #failures = 0;
  #restsUntilMs = -Infinity;
  /** Bytes that this client has asked it for and not got yet. */
  readingBytes = 0;
  /** Until it sends the first bytes of a chunk. */
  readonly firstBytes = new Latency();
  /** Chunks that are durable without it already and that it is still being sent. */
  straggling = 0;

  constructor(options: BulkPeerOptions) {
    this.#options = options;
    this.id = options.id;
    this.address = options.address;
  }

  get channel(): Channel {
    const { network, address, identity } = this.#options;
    this.#channel ??= network.connect({ address, purpose: "bulk", identity });
    return this.#channel;
  }

  /** How long it should still be left alone; 0: not at all. */
  restMs(nowMs: number): number {
    return Math.max(0, this.#restsUntilMs - nowMs);
  }

  /** It could not be reached, did not answer, or refused. Failures of one moment count as one. */
  failed(nowMs: number, retryAfterMs = 0): void {
    if (this.restMs(nowMs) > 0) return;
    const restMs = Math.min(restLongestMs, restFirstMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#restsUntilMs = nowMs + Math.max(restMs, retryAfterMs);
  }

  /** It did what it was asked. */
  worked(): void {
    this.#failures = 0;
    this.#restsUntilMs = -Infinity;
  }

  /** Idempotent. */
  close(): void {
    this.#channel?.close();
  }
}
