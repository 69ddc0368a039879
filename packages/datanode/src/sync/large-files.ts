import { type Clock, type Log, QuorumError } from "@quorumfs/core";
import type { FileOwner } from "../chunk/chunk-key.js";
import { pause } from "../cluster/retry-pause.js";
import type { OwnerWalks } from "../content/owner-walks.js";

/** Some 20 MiB of names. Of what does not fit, whoever holds the file tells when this node is back. */
const filesMax = 65_536;

/** As long as it takes until a quorum is there again, often enough. */
const retryMs = 5000;

export interface LargeFilesOptions {
  readonly walks: Pick<OwnerWalks, "owners">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Files of chunks that were caught up with: looks at which chunks their chosen versions name, so that those which belong here
 * are fetched, and those that were replaced may go.
 */
export class LargeFiles {
  readonly #options: LargeFilesOptions;
  readonly #stop = new AbortController();
  #waiting = new Map<string, FileOwner>();
  #working: Promise<void> | undefined;

  constructor(options: LargeFilesOptions) {
    this.#options = options;
  }

  /** Whether there are files that have not been looked at. */
  get isBusy(): boolean {
    return this.#working !== undefined;
  }

  lookAfter(owners: readonly FileOwner[]): void {
    for (const owner of owners) {
      if (this.#waiting.size < filesMax) this.#waiting.set(`${owner.bucket}/${owner.path}`, owner);
    }
    if (this.#waiting.size > 0 && !this.#stop.signal.aborted) {
      this.#working ??= this.#work().finally(() => (this.#working = undefined));
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { walks, clock, log } = this.#options;
    const { signal } = this.#stop;
    while (this.#waiting.size > 0 && !signal.aborted) {
      const owners = this.#waiting;
      this.#waiting = new Map();
      try {
        const { failed } = await walks.owners(signal, owners.values());
        if (failed === 0) continue;
      } catch (thrown) {
        log.debug("catch-up.large-files-failed", { reason: QuorumError.from(thrown).message });
      }
      for (const [name, owner] of owners) this.#waiting.set(name, owner);
      await pause(clock, retryMs, signal);
    }
  }
}
