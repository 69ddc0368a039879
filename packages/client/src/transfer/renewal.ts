/**
 * A version that was overwritten stays readable for ten minutes after the last read of any of its chunks on a DataNode. A
 * reader that is slow, or far from its end, says now and then that it still needs them.
 */
import { type CancelTimer, type Extent, QuorumError } from "@quorumfs/core";
import { ChunkServiceService } from "@quorumfs/proto";
import type { Lifetime } from "./lifetime.js";
import type { ChunkOwner, TransferContext } from "./transfer-context.js";

// Three may be lost before it matters.
const renewEveryMs = 3 * 60_000;
const answerMs = 30_000;
// In one question; DataNodes take no more, and no file has more extents.
const chunksMax = 65_536;
// A stream that nobody has read for so long was forgotten rather than paused; what it keeps from being removed is let go.
const forgottenMs = 6 * 60 * 60_000;

export interface RenewalOptions {
  readonly name: string;
  readonly owner: ChunkOwner;
  readonly extents: readonly Extent[];
  readonly lifetime: Lifetime;
}

/** Lasts as long as the lifetime, which it ends when the reader has gone. */
export class Renewal {
  readonly #context: TransferContext;
  readonly #options: RenewalOptions;
  #readAtMs: number;
  #cancelTimer: CancelTimer | undefined;

  constructor(context: TransferContext, options: RenewalOptions) {
    this.#context = context;
    this.#options = options;
    this.#readAtMs = context.clock.nowMs();
    options.lifetime.finally(() => this.#cancelTimer?.());
    this.#schedule();
  }

  /** The reader has asked for more. */
  onRead(): void {
    this.#readAtMs = this.#context.clock.nowMs();
  }

  #schedule(): void {
    this.#cancelTimer = this.#context.clock.after(renewEveryMs, () => {
      const { name, lifetime } = this.#options;
      if (this.#context.clock.nowMs() - this.#readAtMs >= forgottenMs) {
        const message = `${name} was not read on for ${forgottenMs / 3_600_000} hours`;
        return lifetime.end(new QuorumError({ code: "cancelled", message }));
      }
      this.#renew();
      this.#schedule();
    });
  }

  #renew(): void {
    const { owner, extents } = this.#options;
    const { dataNodes, log } = this.#context;
    // Any chunk of an upload that a node has renews the upload there, so that of a very large file some are enough.
    const each = Math.max(1, Math.floor(chunksMax / extents.length));
    const ranges = extents.map(({ upload, first, checksums }) => ({
      upload,
      first,
      count: Math.min(checksums.length, each),
    }));
    const request = { owner: { ...owner }, ranges, renew: true };
    for (const { bulk } of dataNodes.targets.values()) {
      bulk.channel.unary(ChunkServiceService.statChunks, request, { timeoutMs: answerMs }).catch((thrown: unknown) => {
        log.debug("chunks.not-renewed", { node: bulk.id, error: QuorumError.from(thrown).message });
      });
    }
  }
}
