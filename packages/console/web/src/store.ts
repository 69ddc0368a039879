/** What the page knows of the cluster: filled by the stream, read by the views. */
import type { About, ClusterView, EventView, LayoutView, LiveSample, WorkloadView } from "../../src/api.js";
import { signal } from "./ui/reactive.js";

/** The server keeps no more than 15 minutes either. */
export const historySeconds = 900;

/** Those kept for whoever looks at what is new; older ones are loaded where they are wanted. */
const eventsMax = 500;

export type Connection = "connecting" | "live" | "lost";

/** What the server says of itself; undefined: not heard of yet. */
export const about = signal<About | undefined>(undefined);
export const connection = signal<Connection>("connecting");
/** When the last message of the stream came, by this machine's clock; undefined: none has come. */
export const heardAtMs = signal<number | undefined>(undefined);
export const cluster = signal<ClusterView | undefined>(undefined);
export const layout = signal<LayoutView | undefined>(undefined);
export const workload = signal<WorkloadView | undefined>(undefined);
/** Newest first. */
export const events = signal<readonly EventView[]>([]);
/** In order of time, a second each, at most {@link historySeconds}. */
export const samples = signal<readonly LiveSample[]>([]);
/** The last one, with its buckets and hot files. */
export const latest = signal<LiveSample | undefined>(undefined);

export function addSamples(added: readonly LiveSample[]): void {
  const known = samples.peek();
  const lastMs = known.at(-1)?.atMs ?? 0;
  const fresh = added.filter(({ atMs }) => atMs > lastMs);
  if (fresh.length > 0) samples.set([...known, ...fresh].slice(-historySeconds));
}

export function addEvents(added: readonly EventView[]): void {
  const known = events.peek();
  const newestId = known[0]?.id ?? 0;
  const fresh = added.filter(({ id }) => id > newestId);
  if (fresh.length > 0) events.set([...fresh, ...known].slice(0, eventsMax));
}
