/** Makes a SuperNode's store anew from what DataNodes remember, when it was lost or an old copy came back. */
import { destinations, type Clock, type Disk, type Log, type Network } from "@quorumfs/core";
import { ControlStore } from "../cluster/control-store.js";
import { layoutFromWire } from "../cluster/layout-wire.js";
import type { Change } from "../layout/change.js";
import { remainingIn } from "../layout/next-step.js";
import { askMemories } from "./memory.js";
import { type Seed, seedFrom } from "./seed.js";

export interface ReseedOptions {
  /** host:port of DataNodes. */
  readonly addresses: readonly string[];
  readonly disk: Disk;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
}

/**
 * Done before the store is opened for use; one commit. A store that knows all that the DataNodes know stays as it is, so that
 * the option may stay where it was given.
 *
 * @returns whether it was made anew
 * @throws QuorumError `unavailable` if a DataNode does not answer, `precondition_failed` if they contradict each other or the store
 */
export async function reseed({ addresses, disk, network, clock, log, version }: ReseedOptions): Promise<boolean> {
  const memories = await askMemories(network, addresses, version);
  const identity = ControlStore.identityOn(disk);
  const stored = identity && ControlStore.peek(disk, identity).read();
  const { members = [], formers = [] } = stored ?? {};
  const seed = seedFrom(memories, { identity, members, formers, leftAtMs: clock.wallMs() });
  if (!seed) {
    log.info("reseed.not-needed", { cluster: identity?.clusterId, asked: addresses });
    return false;
  }
  const changes = [...(stored?.changes ?? [])];
  const change = changeFor(seed, (changes.at(-1)?.id ?? 0) + 1, clock.wallMs());
  const kept = new Set(seed.buckets.map(({ id }) => id));
  await ControlStore.peek(disk, seed.identity).commit({
    members: seed.members,
    retired: seed.formers,
    ...(seed.layout && { layout: seed.layout, targets: destinations(layoutFromWire(seed.layout)) }),
    changes: change ? [change] : [],
    buckets: seed.buckets,
    removedBuckets: stored?.buckets.filter(({ id }) => !kept.has(id)) ?? [],
  });
  log.warn("reseed.done", {
    cluster: seed.identity.clusterId,
    layout: seed.layout?.number,
    nodes: seed.members.length,
    buckets: seed.buckets.map(({ name }) => name),
    asked: addresses,
  });
  return true;
}

/** What moves in the layout that was found comes to its end. */
function changeFor({ layout }: Seed, id: number, nowMs: number): Change | undefined {
  const found = layout && layoutFromWire(layout);
  const moving = found ? remainingIn(found, destinations(found)) : 0;
  if (!found || moving === 0) return undefined;
  return {
    id,
    state: "moving",
    reason: "the SuperNode's store was made anew while partitions moved",
    automatic: false,
    without: [],
    startedAtMs: nowMs,
    endedAtMs: 0,
    firstLayout: found.number,
    lastLayout: found.number,
    movesTotal: moving,
    movesDone: 0,
    bytesTotal: 0,
  };
}
