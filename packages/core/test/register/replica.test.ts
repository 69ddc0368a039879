import { describe, expect, test } from "@jest/globals";
import {
  type Register,
  type ReplicaRequest,
  type ReplicaStep,
  type ReplicaView,
  answer,
  counterJumpMax,
  zeroBallot,
} from "../../src/index.js";
import { ballot, live, tombstone } from "./values.js";

const value = live({ version: ballot(3) });
const newer = live({ version: ballot(9) });
const bare = { ...value, content: { kind: "omitted" } };

/** Promised 5, holds what was accepted at 4. */
const register: Register = { promised: ballot(5), accepted: ballot(4), value };
const fresh: ReplicaView = { register: undefined, floor: 0, committed: zeroBallot };
const used: ReplicaView = { register, floor: 0, committed: ballot(2) };
const collected: ReplicaView = { register: undefined, floor: 10, committed: zeroBallot };
/** The partition's floor is high, but the file has a record of its own. */
const underFloor: ReplicaView = { ...used, floor: 10 };

/** Has forgotten what it held, all of it below the ceiling. */
const forgetful: ReplicaView = { ...fresh, forgotten: { ceiling: 12 }, floor: 3 };
/** Does not even know how high that was. */
const lost: ReplicaView = { ...fresh, forgotten: { ceiling: undefined } };

const nackUsed = { kind: "nack", promised: ballot(5), floor: 0 };
const nackFloor = { kind: "nack", promised: zeroBallot, floor: 10 };
const ok = { kind: "ok" };
const corrupt = { kind: "corrupt" };

function stateOf(parts: object): object {
  return { kind: "state", accepted: zeroBallot, value: undefined, committed: zeroBallot, floor: 0, ...parts };
}

interface Row {
  readonly name: string;
  readonly view: ReplicaView;
  readonly request: ReplicaRequest;
  readonly step: object;
}

const rows: readonly Row[] = [
  {
    name: "READ: nothing",
    view: fresh,
    request: { kind: "read", withContent: true },
    step: { reply: stateOf({}) },
  },
  {
    name: "READ: without content",
    view: used,
    request: { kind: "read", withContent: false },
    step: { reply: stateOf({ accepted: ballot(4), value: bare, committed: ballot(2) }) },
  },
  {
    name: "READ: with content, shows nothing of the promise",
    view: used,
    request: { kind: "read", withContent: true },
    step: { reply: stateOf({ accepted: ballot(4), value, committed: ballot(2) }) },
  },
  {
    name: "READ: an erased file shows the floor",
    view: collected,
    request: { kind: "read", withContent: true },
    step: { reply: stateOf({ floor: 10 }) },
  },
  {
    name: "PREPARE: the first of a file",
    view: fresh,
    request: { kind: "prepare", ballot: ballot(1) },
    step: { reply: stateOf({}), store: { promised: ballot(1), accepted: zeroBallot, value: undefined } },
  },
  {
    name: "PREPARE: higher",
    view: used,
    request: { kind: "prepare", ballot: ballot(6) },
    step: {
      reply: stateOf({ accepted: ballot(4), value: bare, committed: ballot(2) }),
      store: { ...register, promised: ballot(6) },
    },
  },
  {
    name: "PREPARE: equal is refused",
    view: used,
    request: { kind: "prepare", ballot: ballot(5) },
    step: { reply: nackUsed },
  },
  {
    name: "PREPARE: lower by node",
    view: { ...used, register: { ...register, promised: ballot(5, 2) } },
    request: { kind: "prepare", ballot: ballot(5, 1) },
    step: { reply: { kind: "nack", promised: ballot(5, 2), floor: 0 } },
  },
  {
    name: "PREPARE: higher by incarnation",
    view: used,
    request: { kind: "prepare", ballot: ballot(5, 1, 2) },
    step: {
      reply: stateOf({ accepted: ballot(4), value: bare, committed: ballot(2) }),
      store: { ...register, promised: ballot(5, 1, 2) },
    },
  },
  {
    name: "PREPARE: at the floor, without a record",
    view: collected,
    request: { kind: "prepare", ballot: ballot(10, 9, 9) },
    step: { reply: nackFloor },
  },
  {
    name: "PREPARE: above the floor, without a record",
    view: collected,
    request: { kind: "prepare", ballot: ballot(11) },
    step: {
      reply: stateOf({ floor: 10 }),
      store: { promised: ballot(11), accepted: zeroBallot, value: undefined },
    },
  },
  {
    name: "PREPARE: below the floor, with a record",
    view: underFloor,
    request: { kind: "prepare", ballot: ballot(6) },
    step: {
      reply: stateOf({ accepted: ballot(4), value: bare, committed: ballot(2), floor: 10 }),
      store: { ...register, promised: ballot(6) },
    },
  },
  {
    name: "ACCEPT: at the promise",
    view: used,
    request: { kind: "accept", ballot: ballot(5), value: newer },
    step: { reply: ok, store: { promised: ballot(5), accepted: ballot(5), value: newer } },
  },
  {
    name: "ACCEPT: at the promise, with the next one",
    view: used,
    request: { kind: "accept", ballot: ballot(5), value: newer, next: ballot(6) },
    step: { reply: ok, store: { promised: ballot(6), accepted: ballot(5), value: newer } },
  },
  {
    name: "ACCEPT: above the promise, as by a reader who writes back",
    view: used,
    request: { kind: "accept", ballot: ballot(8), value: newer },
    step: { reply: ok, store: { promised: ballot(8), accepted: ballot(8), value: newer } },
  },
  {
    name: "ACCEPT: a next ballot below the own one promises nothing less",
    view: used,
    request: { kind: "accept", ballot: ballot(8), value: newer, next: ballot(2) },
    step: { reply: ok, store: { promised: ballot(8), accepted: ballot(8), value: newer } },
  },
  {
    name: "ACCEPT: below the promise",
    view: used,
    request: { kind: "accept", ballot: ballot(4, 9), value: newer },
    step: { reply: nackUsed },
  },
  {
    name: "ACCEPT: once more, by a reader",
    view: used,
    request: { kind: "accept", ballot: ballot(4), value },
    step: { reply: ok },
  },
  {
    name: "ACCEPT: once more, by its coordinator: the promise that would go with it may be somebody else's",
    view: used,
    request: { kind: "accept", ballot: ballot(4), value, next: ballot(5) },
    step: { reply: nackUsed },
  },
  {
    name: "ACCEPT: without a record, at the floor",
    view: collected,
    request: { kind: "accept", ballot: ballot(10), value: newer },
    step: { reply: nackFloor },
  },
  {
    name: "ACCEPT: without a record, above the floor",
    view: collected,
    request: { kind: "accept", ballot: ballot(11), value: newer },
    step: { reply: ok, store: { promised: ballot(11), accepted: ballot(11), value: newer } },
  },
  {
    name: "COMMIT: higher",
    view: used,
    request: { kind: "commit", ballot: ballot(4) },
    step: { reply: ok, committed: ballot(4) },
  },
  {
    name: "COMMIT: lower changes nothing",
    view: used,
    request: { kind: "commit", ballot: ballot(1) },
    step: { reply: ok, committed: ballot(2) },
  },
  {
    name: "ERASE: takes the floor from the promise",
    view: { ...used, register: { ...register, value: tombstone() } },
    request: { kind: "erase", ballot: ballot(4) },
    step: { reply: ok, erase: { floor: 5 } },
  },
  {
    name: "ERASE: never lowers the floor",
    view: { ...underFloor, register: { ...register, value: tombstone() } },
    request: { kind: "erase", ballot: ballot(4) },
    step: { reply: ok, erase: { floor: 10 } },
  },
  {
    name: "ERASE: not what was written since",
    view: used,
    request: { kind: "erase", ballot: ballot(3) },
    step: { reply: ok },
  },
  {
    name: "ERASE: twice",
    view: collected,
    request: { kind: "erase", ballot: ballot(4) },
    step: { reply: ok },
  },
  {
    name: "forgotten: READ",
    view: forgetful,
    request: { kind: "read", withContent: false },
    step: { reply: corrupt },
  },
  {
    name: "forgotten: PREPARE above the ceiling, for what was accepted cannot be shown",
    view: forgetful,
    request: { kind: "prepare", ballot: ballot(13) },
    step: { reply: corrupt },
  },
  {
    name: "forgotten: ACCEPT at the ceiling",
    view: forgetful,
    request: { kind: "accept", ballot: ballot(12), value },
    step: { reply: corrupt },
  },
  {
    name: "forgotten: ACCEPT above the ceiling",
    view: forgetful,
    request: { kind: "accept", ballot: ballot(13), value, next: ballot(14) },
    step: { reply: ok, store: { promised: ballot(14), accepted: ballot(13), value } },
  },
  {
    name: "forgotten: ACCEPT far above a ceiling that is lost, too",
    view: lost,
    request: { kind: "accept", ballot: ballot(2 ** 31), value },
    step: { reply: corrupt },
  },
  {
    name: "forgotten: ERASE, for what was voted on may be newer",
    view: forgetful,
    request: { kind: "erase", ballot: ballot(4) },
    step: { reply: corrupt },
  },
  {
    name: "forgotten: COMMIT is a fact all the same",
    view: forgetful,
    request: { kind: "commit", ballot: ballot(4) },
    step: { reply: ok, committed: ballot(4) },
  },
];

describe("replica", () => {
  test.each(rows)("$name", ({ view, request, step }) => {
    expect(answer(view, request)).toEqual(step);
  });

  // What the whole argument of ceiling.ts rests on.
  test("above the ceiling, a replica that has forgotten and one that has not come to the same", () => {
    const ceiling = 6;
    const counters = Array.from({ length: ceiling + 1 }, (_, counter) => counter);
    const pasts = counters.flatMap((promised) =>
      counters.slice(0, promised + 1).map((accepted): Register => {
        const ballots = { promised: ballot(promised, 9), accepted: ballot(accepted, 9) };
        return { ...ballots, value: accepted === 0 ? undefined : live({ version: ballot(accepted, 9) }) };
      }),
    );
    const requests = [7, 8, 100].flatMap((counter): ReplicaRequest[] => [
      { kind: "accept", ballot: ballot(counter), value },
      { kind: "accept", ballot: ballot(counter), value, next: ballot(counter + 1) },
    ]);
    for (const register of pasts) {
      for (const request of requests) {
        expect(answer({ ...forgetful, forgotten: { ceiling } }, request)).toEqual(
          answer({ ...fresh, register }, request),
        );
      }
    }
  });

  const jump = counterJumpMax;
  test.each([
    ["PREPARE as far as allowed", { kind: "prepare", ballot: ballot(5 + jump) }, false],
    ["PREPARE too far", { kind: "prepare", ballot: ballot(6 + jump) }, true],
    ["PREPARE of 0", { kind: "prepare", ballot: ballot(0) }, true],
    ["PREPARE of a fraction", { kind: "prepare", ballot: ballot(6.5) }, true],
    ["PREPARE beyond 2^53", { kind: "prepare", ballot: ballot(2 ** 53) }, true],
    ["PREPARE of no number", { kind: "prepare", ballot: ballot(NaN) }, true],
    ["ACCEPT too far", { kind: "accept", ballot: ballot(6 + jump), value }, true],
    ["ACCEPT with a next ballot too far", { kind: "accept", ballot: ballot(6), value, next: ballot(8) }, true],
  ] satisfies [string, ReplicaRequest, boolean][])("counter jump: %s", (_, request, isRefused) => {
    const step: ReplicaStep = answer(used, request);
    expect(step.reply.kind === "refused").toBe(isRefused);
    expect(step.store === undefined).toBe(isRefused);
  });
});
