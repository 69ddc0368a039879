import { type CancelTimer, type Clock, type Log, QuorumError, type Random } from "@quorumfs/core";
import { ClusterServiceService, type Loads, type WatchLayoutResponse } from "@quorumfs/proto";
import { backoffMs } from "../retry/backoff.js";
import { ClusterView } from "./cluster-view.js";
import { type Control, noSuperNode } from "./control.js";

// Loads come about once a second; a SuperNode that is silent for so long hangs, or its connection does.
const silenceMaxMs = 10_000;

export interface ClusterWatchOptions {
  readonly control: Control;
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onView: (view: ClusterView) => void;
  readonly onLoads: (loads: Loads) => void;
}

/**
 * Follows the cluster as the SuperNode publishes it. While no SuperNode answers the last view stays in force: reads and
 * writes go on without one.
 */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #abort = new AbortController();
  #view: ClusterView | undefined;
  #lost = false;
  #lastError: QuorumError | undefined;
  #cancelPause: CancelTimer | undefined;
  readonly #waiting = new Set<() => void>();
  #running: Promise<void> | undefined;

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  /** The last view; undefined only before {@link start} has resolved. */
  get view(): ClusterView | undefined {
    return this.#view;
  }

  /**
   * Resolves with the first view.
   *
   * @throws QuorumError `unavailable` if there is none within `timeoutMs`
   */
  async start(timeoutMs: number): Promise<ClusterView> {
    this.#running ??= this.#run();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, resolve);
      this.#waiting.add(() => {
        cancel();
        resolve();
      });
    });
    if (this.#view) return this.#view;
    throw noSuperNode(this.#options.endpoints, this.#lastError);
  }

  async #run(): Promise<void> {
    const { control, random } = this.#options;
    for (let round = 1; !this.#abort.signal.aborted; round += 1) {
      const channel = control.channel;
      try {
        const before = this.#view;
        await this.#follow();
        if (this.#view !== before) round = 1;
      } catch (thrown) {
        this.#onLost(QuorumError.from(thrown));
      }
      control.turn(channel);
      await this.#pause(backoffMs(round, random));
    }
  }

  /** Takes updates until the stream breaks, which is how it always ends. */
  async #follow(): Promise<void> {
    const { control, clock } = this.#options;
    const attempt = new AbortController();
    const giveUp = (): void => attempt.abort();
    this.#abort.signal.addEventListener("abort", giveUp, { once: true });
    let cancelSilence = clock.after(silenceMaxMs, giveUp);
    try {
      const updates = control.channel.serverStream(
        ClusterServiceService.watchLayout,
        { revision: this.#view?.revision ?? 0 },
        { signal: attempt.signal },
      );
      for await (const { update } of updates) {
        cancelSilence();
        cancelSilence = clock.after(silenceMaxMs, giveUp);
        this.#take(update);
      }
      throw new QuorumError({ code: "unavailable", message: "the SuperNode ended the watch" });
    } finally {
      cancelSilence();
      this.#abort.signal.removeEventListener("abort", giveUp);
    }
  }

  #take(update: WatchLayoutResponse["update"]): void {
    const { log, onView, onLoads } = this.#options;
    if (this.#lost) {
      this.#lost = false;
      log.info("cluster.found", {});
    }
    switch (update?.$case) {
      case "loads":
        onLoads(update.value);
        return;
      case "cluster": {
        const view = new ClusterView(update.value);
        const old = this.#view;
        if (old && view.clusterId !== old.clusterId) {
          const message = `the SuperNode now speaks for another cluster, ${view.clusterId} instead of ${old.clusterId}`;
          throw new QuorumError({ code: "permission_denied", message });
        }
        // One SuperNode that was restored from an old state must not take us back.
        if (old && view.layout < old.layout) return;
        this.#view = view;
        onView(view);
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
        return;
      }
      case undefined:
        return;
    }
  }

  #onLost(error: QuorumError): void {
    if (this.#abort.signal.aborted) return;
    this.#lastError = error;
    if (this.#lost) return;
    this.#lost = true;
    if (this.#view) this.#options.log.warn("cluster.lost", { error: error.message });
  }

  #pause(pauseMs: number): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(pauseMs, resolve);
      this.#cancelPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#cancelPause?.();
    await this.#running;
  }
}
