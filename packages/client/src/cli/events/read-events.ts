import type { ClusterEvent } from "../../event-info.js";
import type { ListEventsOptions } from "../../options.js";
import type { QuorumFs } from "../../quorumfs.js";

/** Of one call. */
const pageMax = 1000;

export interface WantedEvents extends Omit<ListEventsOptions, "limit" | "before"> {
  /** At most so many, the newest. */
  readonly count: number;
  /** Not those that are older, in ms since 1970. */
  readonly sinceMs: number;
}

/** The newest events, oldest first. */
export async function readEvents(cluster: QuorumFs, wanted: WantedEvents): Promise<readonly ClusterEvent[]> {
  const { count, sinceMs, ...filter } = wanted;
  const found: ClusterEvent[] = [];
  let before: number | undefined;
  while (found.length < count) {
    const limit = Math.min(pageMax, count - found.length);
    const page = await cluster.events({ ...filter, limit, ...(before === undefined ? {} : { before }) });
    // Nodes tell of events some time after they were, so that times are not quite in order of ids.
    const recent = page.events.filter(({ at }) => at.getTime() >= sinceMs);
    found.push(...recent);
    before = page.events.at(-1)?.id;
    if (!page.more || recent.length === 0) break;
  }
  return found.reverse();
}
