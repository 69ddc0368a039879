/** Processes that die or stand still. */
import { type Party, partyName } from "@quorumfs/local-cluster";
import type { Fault, FaultKind, FaultTools, Moment } from "./fault.js";

/** Of kills, how many hit a client instead of a DataNode. */
const clientShare = 0.2;

export const kill: FaultKind = {
  name: "kill",
  lane: "passing",
  weight: 8,
  plan: (tools, moment) => {
    const { crew, dice, clients, pace } = tools;
    const holdMs = pace * dice.between(100, 4_000);
    if (dice.chance(clientShare)) {
      const place = dice.whole(clients);
      return {
        ...{ name: "kill", what: `kill -9 of client ${place + 1}`, impairs: [], mayEnd: [], holdMs },
        inject: () => crew.kill(place),
        heal: async () => crew.replace(place),
      };
    }
    const victims = dice.shuffled(moment.sound).slice(0, moment.most);
    return victims.length === 0 ? undefined : killOf(tools, "kill", victims, holdMs);
  },
};

export const pause: FaultKind = {
  name: "pause",
  lane: "passing",
  weight: 4,
  plan: (tools, moment) => {
    const { dice, pace } = tools;
    const victims = dice.shuffled(moment.sound).slice(0, moment.most);
    // Short ones go unnoticed, long ones outlast every timeout of a vote and of membership.
    const holdMs = pace * (dice.chance(0.4) ? dice.between(50, 600) : dice.between(600, 7_000));
    return victims.length === 0 ? undefined : pauseOf(tools, "pause", victims, holdMs);
  },
};

export const superNode: FaultKind = {
  name: "supernode",
  lane: "passing",
  weight: 4,
  plan: (tools) => {
    const { dice, pace, bed } = tools;
    const { member } = bed.node("supernode");
    if (!member.running || member.paused) return undefined;
    const holdMs = pace * dice.between(200, 5_000);
    return dice.chance(0.75)
      ? killOf(tools, "supernode", ["supernode"], holdMs)
      : pauseOf(tools, "supernode", ["supernode"], holdMs);
  },
};

function killOf(tools: FaultTools, name: Fault["name"], parties: readonly Party[], holdMs: number): Fault {
  const { bed } = tools;
  return {
    ...{ name, what: `kill -9 of ${namesOf(parties)}`, impairs: numbersOf(parties), mayEnd: parties, holdMs },
    count: () => parties.length,
    inject: async () => {
      await Promise.all(parties.map((party) => bed.kill(party)));
    },
    heal: async () => {
      await Promise.all(parties.map((party) => bed.start(party)));
    },
  };
}

function pauseOf(tools: FaultTools, name: Fault["name"], parties: readonly Party[], holdMs: number): Fault {
  const members = parties.map((party) => tools.bed.node(party).member);
  return {
    ...{ name, what: `SIGSTOP of ${namesOf(parties)}`, impairs: numbersOf(parties), mayEnd: [], holdMs },
    count: () => parties.length,
    inject: async () => members.forEach((member) => member.pause()),
    heal: async () => members.forEach((member) => member.resume()),
  };
}

function numbersOf(parties: readonly Party[]): readonly number[] {
  return parties.filter((party) => typeof party === "number");
}

export function namesOf(parties: readonly Party[]): string {
  return parties.map(partyName).join(" and ");
}

export function pickSound({ dice }: FaultTools, moment: Moment): number | undefined {
  return moment.most === 0 ? undefined : dice.pick(moment.sound);
}
