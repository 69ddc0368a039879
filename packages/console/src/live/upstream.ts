import type { ClusterStatus, QuorumFs } from "@quorumfs/client";
import { type CancelTimer, type Clock, type Log, QuorumError } from "@quorumfs/core";
import type { ClusterView, EventView } from "../api.js";
import type { Connection } from "../connection.js";
import { clusterView, unreachableView } from "../views/cluster-view.js";
import { eventView } from "../views/event-view.js";
import { layoutView } from "../views/layout-view.js";
import { liveSample } from "../views/live-sample.js";
import type { Hub } from "./hub.js";
import { historySeconds } from "./sample-history.js";

const everyMs = 1_000;
/** The SuperNode is in this process, or on the next machine. */
const statusTimeoutMs = 3_000;
const retryMs = 1_000;
/** History comes sample by sample, all of it within a moment. */
const gatherMs = 50;
/** What a tab that comes is shown of events; older ones it asks for. */
export const eventsShown = 100;

export interface UpstreamOptions {
  readonly connection: Connection;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Log;
}

/** Follows the cluster for all tabs: its activity, its events, its nodes and its layout. */
export class Upstream {
  readonly #options: UpstreamOptions;
  #following: { readonly abort: AbortController; readonly ended: Promise<unknown> } | undefined;
  #seen: ClusterView | undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#following) return;
    const abort = new AbortController();
    const { signal } = abort;
    const ended = Promise.all([
      this.#again(signal, (client) => this.#followActivity(client, signal)),
      this.#again(signal, (client) => this.#followEvents(client, signal)),
      this.#again(
        signal,
        (client) => this.#followCluster(client, signal),
        (error) => this.#onUnreachable(error),
      ),
    ]);
    this.#following = { abort, ended };
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const following = this.#following;
    this.#following = undefined;
    following?.abort.abort();
    await following?.ended;
  }

  /** Repeats what ends only by failing. */
  async #again(
    signal: AbortSignal,
    follow: (client: QuorumFs) => Promise<void>,
    onError: (error: QuorumError) => void = () => undefined,
  ): Promise<void> {
    const { connection, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await follow(await connection.client());
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (signal.aborted) return;
        if (error.code === "internal") log.error("console.follow-failed", { error });
        else log.debug("console.follow-failed", { error });
        onError(error);
      }
      await pause(clock, retryMs, signal);
    }
  }

  async #followActivity(client: QuorumFs, signal: AbortSignal): Promise<void> {
    const { hub, clock } = this.#options;
    let past: ReturnType<typeof liveSample>[] = [];
    let cancel: CancelTimer | undefined;
    const flush = (): void => {
      cancel?.();
      cancel = undefined;
      hub.backfill(past);
      past = [];
    };
    try {
      for await (const sample of client.activity({ historySeconds, signal })) {
        if (sample.isHistory) {
          past.push(liveSample(sample));
          cancel ??= clock.after(gatherMs, flush);
        } else {
          if (past.length > 0) flush();
          hub.sample(liveSample(sample));
        }
      }
    } finally {
      cancel?.();
    }
  }

  async #followEvents(client: QuorumFs, signal: AbortSignal): Promise<void> {
    const { hub } = this.#options;
    const page = await client.events({ limit: eventsShown, signal });
    let shown: readonly EventView[] = page.events.map(eventView);
    let more = page.more;
    hub.publish("events", { events: shown, more });
    for await (const event of client.watchEvents({ after: shown[0]?.id ?? 0, signal })) {
      const view = eventView(event);
      more ||= shown.length >= eventsShown;
      shown = [view, ...shown].slice(0, eventsShown);
      hub.publishNews("events", { events: [view], more: true }, { events: shown, more });
    }
  }

  async #followCluster(client: QuorumFs, signal: AbortSignal): Promise<void> {
    const { hub, clock } = this.#options;
    let last: ClusterStatus | undefined;
    while (!signal.aborted) {
      const status = await client.status({ timeoutMs: statusTimeoutMs, signal });
      this.#seen = clusterView(status, clock.wallMs());
      hub.publish("nodes", this.#seen);
      // Every partition is in it: only when it has changed, or is about to.
      const isSame = last?.layout === status.layout && last?.change === undefined && status.change === undefined;
      if (last === undefined || !isSame) hub.publish("layout", await layoutView(client, signal));
      last = status;
      await pause(clock, everyMs, signal);
    }
  }

  #onUnreachable(error: QuorumError): void {
    const { hub, clock } = this.#options;
    hub.publish("nodes", unreachableView(this.#seen, error, clock.wallMs()));
  }
}

/** Ends early when the signal says so. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
