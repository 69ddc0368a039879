/** Disks that are full, forget, or change what they were given. */
import { fillVolume, freeVolume } from "../adapters/volumes.js";
import type { FaultKind } from "./fault.js";
import { pickSound } from "./processes.js";

export const diskFull: FaultKind = {
  name: "disk-full",
  lane: "passing",
  weight: 3,
  plan: (tools, moment) => {
    const { dice, bed, pace } = tools;
    const node = pickSound(tools, moment);
    if (node === undefined || !bed.node(node).hasVolume) return undefined;
    const { directory } = bed.node(node).member;
    // Nearly full, it takes no new content; entirely full, nothing at all, and its process may end.
    const entirely = dice.chance(0.6);
    return {
      name: "disk-full",
      what: `disk of DataNode ${node} ${entirely ? "full to the last byte" : "nearly full"}`,
      impairs: [node],
      mayEnd: [node],
      holdMs: pace * dice.between(1_000, 5_000),
      inject: () => fillVolume(directory, entirely ? 0 : 4 * 2 ** 20),
      heal: async () => {
        await freeVolume(directory);
        await bed.start(node);
      },
    };
  },
};

/** In one go: what is damaged on one node is whole again before another one's turn comes. */
const bitsMost = 120;

export const bitFlip: FaultKind = {
  name: "bit-flip",
  lane: "lasting",
  weight: 4,
  plan: (tools, moment) => {
    const { dice, bed, disks, health, pace } = tools;
    const node = pickSound(tools, moment);
    if (node === undefined) return undefined;
    const { directory } = bed.node(node).member;
    const stopped = dice.chance(0.6);
    let flipped = 0;
    return {
      name: "bit-flip",
      what: `bits flipped on the ${stopped ? "stopped" : "running"} DataNode ${node}`,
      impairs: [node],
      // A store that cannot be mended is refused; then the node is as one that has lost its disk.
      mayEnd: [node],
      holdMs: pace * dice.between(100, 1_000),
      count: () => flipped,
      inject: async () => {
        const bits = 1 + dice.whole(bitsMost);
        if (!stopped) {
          flipped += await disks.flipInChunks(directory, bits, dice);
          return;
        }
        await bed.stop(node);
        flipped += await disks.flipInChunks(directory, bits, dice);
        flipped += await disks.flipInStore(directory, dice);
      },
      heal: async () => {
        if (await startOrWipe(tools, node)) await health.scrubbed(bed.node(node).address);
      },
    };
  },
};

export const loseDisk: FaultKind = {
  name: "lose-disk",
  lane: "lasting",
  weight: 2,
  plan: (tools, moment) => {
    const { dice, bed, clock, health, pace } = tools;
    const node = pickSound(tools, moment);
    if (node === undefined) return undefined;
    const { address } = bed.node(node);
    const rolledBack = dice.chance(0.5);
    return {
      name: "lose-disk",
      what: rolledBack ? `DataNode ${node} rolled back to an old copy of its disk` : `disk of DataNode ${node} emptied`,
      impairs: [node],
      mayEnd: [node],
      holdMs: pace * dice.between(200, 2_000),
      inject: async () => {
        if (rolledBack) {
          await bed.stop(node);
          const copy = await bed.copyOut(node);
          await bed.start(node);
          // Long enough for it to take part in what the copy knows nothing of.
          await new Promise<void>((resolve) => void clock.after(pace * 4_000, resolve));
          await bed.kill(node);
          await bed.copyIn(node, copy);
        } else {
          await bed.kill(node);
          await bed.wipe(node);
        }
      },
      heal: async () => {
        const before = await health.idsAt(address);
        await bed.start(node);
        await health.replaced(address, before);
      },
    };
  },
};

/** @returns false if its store was refused as corrupt, and the node has begun anew without it */
async function startOrWipe({ bed, health }: Parameters<FaultKind["plan"]>[0], node: number): Promise<boolean> {
  try {
    await bed.start(node);
    return true;
  } catch {
    const { address } = bed.node(node);
    const before = await health.idsAt(address);
    await bed.kill(node);
    await bed.wipe(node);
    await bed.start(node);
    await health.replaced(address, before);
    return false;
  }
}
