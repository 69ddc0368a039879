import type { ServerResponse } from "node:http";
import type { CancelTimer, Clock } from "@quorumfs/core";
import type { LiveSample, StreamEvents } from "../api.js";
import { Refusal } from "../server/refusal.js";
import { SampleHistory } from "./sample-history.js";
import { Tab } from "./tab.js";

/** Each costs a second's worth of figures a second; more people than this watch dashboards instead. */
export const tabsMax = 200;
const beatMs = 15_000;
/** A page that is loaded anew, or that has lost its connection, is back by then. */
const restMs = 30_000;

type LastEvent = Exclude<keyof StreamEvents, "history" | "sample">;

export interface HubOptions {
  readonly clock: Clock;
  /** The first tab has come: begin to follow the cluster. */
  readonly onWatched: () => void;
  /** Nobody has watched for a while. */
  readonly onUnwatched: () => void;
}

/** What is known live of the cluster, and the tabs that are told: one source for all of them, and none while there are none. */
export class Hub {
  readonly #options: HubOptions;
  readonly #history = new SampleHistory();
  readonly #tabs = new Set<Tab>();
  /** What a tab that comes is told first. */
  readonly #last = new Map<LastEvent, string>();
  #cancelBeat: CancelTimer | undefined;
  #cancelRest: CancelTimer | undefined;
  #watched = false;
  #closed = false;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get tabs(): number {
    return this.#tabs.size;
  }

  /** @throws Refusal 429, 503 */
  join(response: ServerResponse): void {
    if (this.#closed) throw new Refusal(503, "unavailable", "the console is closing");
    if (this.#tabs.size >= tabsMax) {
      throw new Refusal(429, "resource_exhausted", `${tabsMax} pages watch already: close one of them`);
    }
    this.#cancelRest?.();
    const tab = new Tab({
      response,
      history: this.#history,
      clock: this.#options.clock,
      onGone: (gone) => this.#onGone(gone),
    });
    this.#tabs.add(tab);
    for (const [event, data] of this.#last) tab.send(event, data);
    tab.begin();
    if (this.#watched) return;
    this.#watched = true;
    this.#beat();
    this.#options.onWatched();
  }

  /** The second that has just ended. */
  sample(sample: LiveSample): void {
    const goesBack = this.#history.isFromAnotherTime(sample);
    // A chart's time goes one way only.
    if (goesBack) this.#history.forget();
    if (!this.#history.add(sample)) return;
    const data = JSON.stringify(sample);
    for (const tab of this.#tabs) {
      if (goesBack) tab.begin();
      else tab.sendSample(data);
    }
  }

  /** What is known of the time before: tabs begin their history anew, if there is anything in it that they do not know. */
  backfill(samples: readonly LiveSample[]): void {
    const news = samples.filter((sample) => this.#history.add(sample));
    if (news.length > 0) for (const tab of this.#tabs) tab.begin();
  }

  /** Tells all tabs, now and as they come, unless it is what they were told last. */
  publish<Event extends LastEvent>(event: Event, data: StreamEvents[Event]): void {
    const text = JSON.stringify(data);
    if (this.#last.get(event) === text) return;
    this.#last.set(event, text);
    for (const tab of this.#tabs) tab.send(event, text);
  }

  /** Tells the tabs that are there; those that come get `all`. */
  publishNews<Event extends LastEvent>(event: Event, news: StreamEvents[Event], all: StreamEvents[Event]): void {
    this.#last.set(event, JSON.stringify(all));
    const text = JSON.stringify(news);
    for (const tab of this.#tabs) tab.send(event, text);
  }

  #beat(): void {
    this.#cancelBeat = this.#options.clock.after(beatMs, () => {
      for (const tab of this.#tabs) tab.beat();
      this.#beat();
    });
  }

  #onGone(tab: Tab): void {
    this.#tabs.delete(tab);
    if (this.#tabs.size > 0 || this.#closed) return;
    this.#cancelRest?.();
    this.#cancelRest = this.#options.clock.after(restMs, () => {
      this.#watched = false;
      this.#cancelBeat?.();
      this.#options.onUnwatched();
    });
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancelBeat?.();
    this.#cancelRest?.();
    for (const tab of [...this.#tabs]) tab.end();
  }
}
