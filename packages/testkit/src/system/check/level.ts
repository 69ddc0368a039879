import type { NodeInfo, QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import type { World } from "../world/world.js";

/**
 * Waits until a cluster that is left alone has healed: all nodes are up and lack nothing, no partition moves, and every file
 * has all its copies.
 *
 * @throws Error what is missing, when the time is over
 */
export async function untilLevel(options: {
  readonly world: World;
  readonly admin: QuorumFs;
  readonly withinMs: number;
  /** The id under which each machine has served last: one that is on its way up again is not lost. */
  readonly inUse: () => readonly number[];
}): Promise<void> {
  const { world, admin, withinMs, inUse } = options;
  const endMs = world.nowMs + withinMs;
  for (;;) {
    const missing = await whatIsMissing(admin);
    if (missing === undefined) return;
    await removeTheLost(admin, inUse());
    if (world.nowMs > endMs) throw new Error(`${withinMs} ms after everything was put right: ${missing}`);
    await world.sleep(1_000);
  }
}

/** As an operator does with a number under which nothing will ever come back, because its machine goes by another one now. */
async function removeTheLost(admin: QuorumFs, inUse: readonly number[]): Promise<void> {
  try {
    for (const { id, state } of await admin.nodes()) {
      if (state === "down" && !inUse.includes(id)) await admin.layout.remove(id, { lost: true });
    }
  } catch (thrown) {
    // Too early, or the SuperNode is away: the next time.
    if (QuorumError.from(thrown).code === "internal") throw thrown;
  }
}

async function whatIsMissing(admin: QuorumFs): Promise<string | undefined> {
  try {
    const nodes = await admin.nodes();
    for (const node of nodes) {
      const missing = whatNodeLacks(node);
      if (missing !== undefined) return missing;
    }
    const { change } = await admin.layout.show();
    if (change && change.endedAt === undefined) {
      return `${change.reason}: ${change.movesDone} of ${change.movesTotal} partitions have moved; ${change.obstacles.join("; ")}`;
    }
    const state = admin.state();
    for await (const file of state) {
      if (file.behind.length > 0) return `nodes ${file.behind.join()} are behind with ${file.name}`;
    }
    if (!state.summary) return "the state of the files was not told to its end";
    const { unreachable, underReplicated } = state.summary;
    if (unreachable.length > 0) return `nodes ${unreachable.join()} do not say what they hold`;
    if (underReplicated > 0) return `${underReplicated} files lack copies`;
    return undefined;
  } catch (thrown) {
    const error = QuorumError.from(thrown);
    if (error.code === "internal") throw error;
    return `the SuperNode does not tell: ${error.code}: ${error.message}`;
  }
}

function whatNodeLacks({ id, state, load }: NodeInfo): string | undefined {
  if (state !== "up") return `node ${id} is ${state}`;
  const sync = load?.sync;
  if (!sync) return `node ${id} has not compared anything`;
  if (sync.state !== "in_sync") return `node ${id} is ${sync.state}: ${sync.obstacle ?? "no obstacle"}`;
  if (sync.joiningPartitions > 0) return `node ${id} takes over ${sync.joiningPartitions} partitions: ${sync.obstacle}`;
  if (sync.leavingPartitions > 0) return `node ${id} gives up ${sync.leavingPartitions} partitions: ${sync.obstacle}`;
  if (sync.behindRecords + sync.behindChunks > 0)
    return `node ${id} lacks ${sync.behindRecords} records, ${sync.behindChunks} chunks`;
  return undefined;
}
