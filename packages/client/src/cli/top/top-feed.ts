import type { Clock } from "@quorumfs/core";
import { summarizeActivity } from "../../activity-figures.js";
import type { ActivitySample } from "../../activity-info.js";
import type { ClusterEvent } from "../../event-info.js";
import type { QuorumFs } from "../../quorumfs.js";
import { readEvents } from "../events/read-events.js";
import { noData, type TopData } from "./top-state.js";

/** What a sparkline is made of. */
const historySeconds = 120;
// More is not scrolled through in a live view; quorumfs events has them all.
const eventsMax = 200;
// Members, their addresses and the layout change seldom.
const statusEveryMs = 2000;
const statusTimeoutMs = 5000;
// Somebody looks on, so that a SuperNode that is away is waited for.
const patienceMs = 24 * 60 * 60 * 1000;

export interface TopFeedOptions {
  readonly cluster: QuorumFs;
  readonly clock: Clock;
  /** Samples are averaged over so many seconds. */
  readonly intervalSeconds: number;
  readonly onNews: (news: "sample" | "other") => void;
}

/** Keeps up with the cluster for a live view. */
export class TopFeed {
  readonly #options: TopFeedOptions;
  readonly #closing = new AbortController();
  readonly #window: ActivitySample[] = [];
  #data: TopData = noData;

  constructor(options: TopFeedOptions) {
    this.#options = options;
  }

  get data(): TopData {
    return this.#data;
  }

  /**
   * Goes on until {@link close}.
   *
   * @throws QuorumError if the SuperNode tells nothing of the kind
   */
  async run(): Promise<void> {
    const { cluster } = this.#options;
    const { signal } = this.#closing;
    const known = await readEvents(cluster, { count: eventsMax, sinceMs: 0, signal });
    this.#learn({ events: known.toReversed() }, "other");
    const following = [this.#followActivity(), this.#followEvents(known.at(-1)?.id), this.#followStatus()];
    try {
      await Promise.all(following);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.close();
      await Promise.allSettled(following);
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
  }

  async #followActivity(): Promise<void> {
    const { cluster, clock, intervalSeconds } = this.#options;
    const { signal } = this.#closing;
    for await (const sample of cluster.activity({ historySeconds, timeoutMs: patienceMs, signal })) {
      const history = [...this.#data.history, sample.total.operationsPerSecond].slice(-historySeconds);
      // What is history lacks buckets and files.
      if (sample.isHistory) {
        this.#data = { ...this.#data, history };
        continue;
      }
      this.#window.push(sample);
      if (this.#window.length > intervalSeconds) this.#window.shift();
      this.#learn({ sample: summarizeActivity(this.#window), history, heardAtMs: clock.nowMs() }, "sample");
    }
  }

  async #followEvents(after: number | undefined): Promise<void> {
    const { cluster } = this.#options;
    const watch = { timeoutMs: patienceMs, signal: this.#closing.signal, after: after ?? 0 };
    for await (const event of cluster.watchEvents(watch)) this.#learn({ events: this.#withNewest(event) }, "other");
  }

  #withNewest(event: ClusterEvent): readonly ClusterEvent[] {
    return [event, ...this.#data.events].slice(0, eventsMax);
  }

  async #followStatus(): Promise<void> {
    const { cluster, clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      // Without it the last one stands; that nothing comes any more is seen by the samples.
      const status = await cluster.status({ timeoutMs: statusTimeoutMs, signal }).catch(() => undefined);
      if (status) this.#learn({ status }, "other");
      await new Promise<void>((resolve) => {
        const end = (): void => {
          cancel();
          signal.removeEventListener("abort", end);
          resolve();
        };
        const cancel = clock.after(statusEveryMs, end);
        signal.addEventListener("abort", end);
      });
    }
  }

  #learn(news: Partial<TopData>, what: "sample" | "other"): void {
    this.#data = { ...this.#data, ...news };
    this.#options.onNews(what);
  }
}
