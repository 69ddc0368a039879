/**
 * The server's stream of events, and what becomes of the page while there is none. The browser connects again by itself after a
 * break, but not after an answer that is no stream, as a server that restarts may give: that is done here.
 */
import type { StreamEvents } from "../../src/api.js";
import { api, loginNeeded } from "./api.js";
import { addEvents, addSamples, cluster, connection, heardAtMs, latest, layout, samples, workload } from "./store.js";
import { batch } from "./ui/reactive.js";

/** About once a second something comes; after three without, the view is called stale. */
const silenceMs = 4_000;
const retryFirstMs = 500;
/** A server that is back is found within this. */
const retryMaxMs = 3_000;

type Handlers = { readonly [K in keyof StreamEvents]: (data: StreamEvents[K]) => void };

const handlers: Handlers = {
  history({ from, samples: piece }) {
    if (from === 0) samples.set([]);
    addSamples(piece);
  },
  sample(sample) {
    addSamples([sample]);
    latest.set(sample);
  },
  events: (page) => addEvents(page.events),
  nodes: (view) => cluster.set(view),
  layout: (view) => layout.set(view),
  workload: (view) => workload.set(view),
};

let source: EventSource | undefined;
let retryTimer: number | undefined;
let silenceTimer: number | undefined;
let retryMs = retryFirstMs;

/** Connects, and stays connected. */
export function startStream(): void {
  stopStream();
  const opened = new EventSource("api/stream");
  source = opened;
  listen(opened, "history");
  listen(opened, "sample");
  listen(opened, "events");
  listen(opened, "nodes");
  listen(opened, "layout");
  listen(opened, "workload");
  opened.addEventListener("error", () => {
    connection.set("lost");
    if (opened.readyState === EventSource.CLOSED) retryLater();
  });
}

export function stopStream(): void {
  clearTimeout(retryTimer);
  clearTimeout(silenceTimer);
  source?.close();
  source = undefined;
}

function listen<K extends keyof StreamEvents>(from: EventSource, name: K): void {
  from.addEventListener(name, (event: MessageEvent<string>) => {
    const data = JSON.parse(event.data) as StreamEvents[K];
    batch(() => {
      handlers[name](data);
      heardAtMs.set(Date.now());
      connection.set("live");
    });
    retryMs = retryFirstMs;
    watchSilence();
  });
}

/** A connection that looks open and says nothing is no better than none. */
function watchSilence(): void {
  clearTimeout(silenceTimer);
  silenceTimer = setTimeout(() => {
    connection.set("lost");
    retryLater();
  }, silenceMs);
}

function retryLater(): void {
  stopStream();
  retryTimer = setTimeout(() => {
    retryMs = Math.min(retryMaxMs, retryMs * 2);
    void reconnect();
  }, retryMs);
}

/** A stream's failure does not tell why: whether a token is wanted now is asked for separately. */
async function reconnect(): Promise<void> {
  try {
    const about = await api.about();
    if (about.authorised) startStream();
    else loginNeeded.set(true);
  } catch {
    retryLater();
  }
}
