/** DataNodes that come and go while clients work. */
import type { FaultKind } from "./fault.js";

/** More or fewer than at first, at most. */
const drift = 2;

export const join: FaultKind = {
  name: "join",
  lane: "lasting",
  weight: 4,
  plan: ({ bed, health, nodesAtFirst }) => {
    if (bed.dataNodes.length >= nodesAtFirst + drift) return undefined;
    let joined: number | undefined;
    return {
      name: "join",
      what: "one more DataNode joins and gets its share",
      impairs: [],
      mayEnd: [],
      holdMs: 0,
      inject: async () => {
        joined = await bed.addNode();
        await bed.start(joined);
      },
      heal: async () => {
        if (joined === undefined) return;
        await health.known(bed.node(joined).address);
        await health.apply([]);
      },
    };
  },
};

export const drain: FaultKind = {
  name: "drain",
  lane: "lasting",
  weight: 4,
  plan: ({ bed, dice, health, nodesAtFirst, replicas }, moment) => {
    // One more than N, so that another one may fail meanwhile.
    const least = Math.max(nodesAtFirst - drift, replicas + 1);
    const node = dice.pick(moment.sound);
    if (bed.dataNodes.length <= least || node === undefined) return undefined;
    return {
      name: "drain",
      what: `DataNode ${node} hands over what it holds, and leaves`,
      impairs: [],
      mayEnd: [node],
      holdMs: 0,
      inject: async () => {
        const id = await health.known(bed.node(node).address);
        await health.apply([{ node: id, role: "leaving" }]);
      },
      heal: () => bed.dropNode(node),
    };
  },
};
