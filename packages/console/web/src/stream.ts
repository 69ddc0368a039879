/**
 * The server's stream of events, and what becomes of the page while there is none. The browser connects again by itself after a
 * break, but not after an answer that is no stream, as a server that restarts may give: that is done here.
 *
 * A stream takes one of the six connections that a browser allows for a host over HTTP/1.1. So a page that nobody can see has
 * none, or the seventh tab would show nothing; it keeps what it knows, and asks now and then how the cluster is, for its title.
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
/** Of a page that nobody can see. */
const glanceEveryMs = 10_000;

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
let glanceTimer: number | undefined;
let retryMs = retryFirstMs;
let isWanted = false;

/** Connects, and stays connected. */
export function startStream(): void {
  stopStream();
  isWanted = true;
  connect();
}

/** Without a connection, but for a moment now and then. */
export function glance(): void {
  stopStream();
  const look = (): void => {
    api.cluster().then(
      (view) => {
        // What the stream has told meanwhile is newer.
        if (!isWanted) cluster.set(view);
      },
      // Who looks again is told by the stream.
      () => undefined,
    );
  };
  look();
  glanceTimer = setInterval(look, glanceEveryMs);
}

export function stopStream(): void {
  isWanted = false;
  clearInterval(glanceTimer);
  disconnect();
}

function connect(): void {
  disconnect();
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

function disconnect(): void {
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
  disconnect();
  retryTimer = setTimeout(() => {
    retryMs = Math.min(retryMaxMs, retryMs * 2);
    void reconnect();
  }, retryMs);
}

/** A stream's failure does not tell why: whether a token is wanted now is asked for separately. */
async function reconnect(): Promise<void> {
  try {
    const about = await api.about();
    if (!isWanted) return;
    if (about.authorised) connect();
    else loginNeeded.set(true);
  } catch {
    if (isWanted) retryLater();
  }
}
