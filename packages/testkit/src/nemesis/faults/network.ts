/** Links between processes that lose, hold or slow down what they are given. */
import type { Party } from "@quorumfs/local-cluster";
import type { LinkRule } from "../bed/links.js";
import type { Fault, FaultKind, FaultTools, Moment } from "./fault.js";
import { namesOf, pickSound } from "./processes.js";

export const partition: FaultKind = {
  name: "partition",
  lane: "passing",
  weight: 4,
  plan: (tools, moment) => {
    const { dice, bed } = tools;
    const few = dice.shuffled(moment.sound).slice(0, moment.most);
    if (few.length === 0) return undefined;
    const others = bed.dataNodes.filter((party) => !few.includes(party));
    // From the other DataNodes only, from everybody, or from one kind of partner.
    const from = dice.pick<readonly Party[]>([
      others,
      [...others, "supernode", "client"],
      [...others, "supernode", "client"],
      ["supernode"],
      ["client"],
    ]);
    if (!from) return undefined;
    const passage = dice.chance(0.6) ? ("held" as const) : ("broken" as const);
    return cut(tools, {
      name: "partition",
      what: `${namesOf(few)} cut off from ${namesOf(from)}, connections ${passage}`,
      impairs: few,
      holdMs: tools.pace * dice.between(300, 6_000),
      rules: [
        { from: few, to: from, passage },
        { from, to: few, passage },
      ],
    });
  },
};

export const oneWay: FaultKind = {
  name: "one-way",
  lane: "passing",
  weight: 3,
  plan: (tools, moment) => {
    const { dice, bed } = tools;
    const node = pickSound(tools, moment);
    if (node === undefined) return undefined;
    const others = bed.dataNodes.filter((party) => party !== node);
    const partners = dice.pick<readonly Party[]>([
      others,
      [...others, "supernode", "client"],
      ["client"],
      ["supernode"],
    ]);
    if (!partners) return undefined;
    const [from, to] = dice.chance(0.5) ? [[node], partners] : [partners, [node]];
    return cut(tools, {
      name: "one-way",
      what: `nothing from ${namesOf(from)} to ${namesOf(to)}`,
      impairs: [node],
      holdMs: tools.pace * dice.between(300, 6_000),
      rules: [{ from, to, passage: "held" }],
    });
  },
};

export const slow: FaultKind = {
  name: "slow",
  lane: "passing",
  weight: 2,
  plan: (tools, moment: Moment) => {
    const { dice, bed } = tools;
    // Slow is not away: it does not count as impaired, but who is impaired already would not show it.
    const node = dice.pick(moment.sound);
    if (node === undefined) return undefined;
    const all: readonly Party[] = [...bed.dataNodes.filter((party) => party !== node), "supernode", "client"];
    const how = dice.chance(0.6)
      ? { delayMs: dice.between(20, 400) }
      : { bytesPerSecond: Math.round(dice.between(50_000, 1_000_000)) };
    const says = "delayMs" in how ? `${Math.round(how.delayMs)} ms late` : `at ${how.bytesPerSecond} bytes/s`;
    return cut(tools, {
      name: "slow",
      what: `all from and to ${namesOf([node])} ${says}`,
      impairs: [],
      holdMs: tools.pace * dice.between(1_000, 7_000),
      rules: [
        { from: [node], to: all, ...how },
        { from: all, to: [node], ...how },
      ],
    });
  },
};

function cut(
  { bed }: FaultTools,
  fault: Pick<Fault, "name" | "what" | "impairs" | "holdMs"> & { readonly rules: readonly LinkRule[] },
): Fault {
  const { rules, ...rest } = fault;
  let undo = (): void => undefined;
  return {
    ...rest,
    mayEnd: [],
    inject: async () => {
      undo = bed.links.apply(...rules);
    },
    heal: async () => undo(),
  };
}
