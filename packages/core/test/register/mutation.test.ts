import { describe, expect, test } from "@jest/globals";
import {
  type Effects,
  electorate,
  Mutation,
  type MutationOutcome,
  type MutationRequest,
  nodeId,
  type ReplicaState,
  transferVoters,
} from "../../src/index.js";
import { ballot, live, state, tombstone } from "./values.js";

const self = { node: nodeId(1), incarnation: 1 };
const members = [nodeId(1), nodeId(2), nodeId(3)];
const requestId = new Uint8Array(16).fill(7);
const content = { kind: "inline", bytes: Uint8Array.of(1) } as const;
const put = { kind: "put", size: 1, etag: new Uint8Array(32), content, attributes: new Map<string, string>() } as const;

function requestOf(parts: Partial<MutationRequest> = {}): MutationRequest {
  return {
    voters: electorate([{ members, read: 2, write: 2 }]),
    self,
    intent: put,
    condition: { kind: "none" },
    requestId,
    mayHaveRun: false,
    mayBeRepeated: false,
    seenVersion: 0,
    counterHint: 0,
    nowMs: 0,
    ...parts,
  };
}

/** Runs a mutation on replicas that all hold `held` and agree to everything. */
function run(request: MutationRequest, held: ReplicaState): MutationOutcome {
  const mutation = new Mutation(request);
  const queue: Effects<MutationOutcome>[number][] = [...mutation.start()];
  for (let effect = queue.shift(); effect; effect = queue.shift()) {
    if (effect.kind === "done") return effect.outcome;
    if (effect.kind === "timer" || effect.round === 0) continue;
    const reply = effect.request.kind === "accept" ? ({ kind: "ok" } as const) : held;
    for (const node of effect.to) queue.push(...mutation.onReply(effect.round, node, reply));
  }
  throw new Error("the mutation came to no end");
}

describe("what an applied mutation replaced", () => {
  const before = live({ version: ballot(3), size: 700 });
  const holding = state({ accepted: ballot(3), value: before, committed: ballot(3) });
  const { content: _, ...described } = before;

  test("is what the promises told, without its content", () => {
    const expected = { kind: "applied", replaced: { ...described, content: { kind: "omitted" } } };
    expect(run(requestOf(), holding)).toMatchObject(expected);
    expect(run(requestOf({ intent: { kind: "delete" } }), holding)).toMatchObject(expected);
  });

  test("is what was kept from the write before", () => {
    const kept = { next: ballot(4), current: before };
    expect(run(requestOf({ kept }), state())).toMatchObject({ kind: "applied", replaced: { size: 700 } });
  });

  test("may be a tombstone", () => {
    const deleted = state({ accepted: ballot(3), value: tombstone({ version: ballot(3) }), committed: ballot(3) });
    expect(run(requestOf(), deleted)).toMatchObject({ kind: "applied", replaced: { kind: "tombstone" } });
  });

  test("is nothing where there was nothing", () => {
    expect(run(requestOf(), state())).toMatchObject({ kind: "applied", replaced: undefined });
  });

  test("is not known if an earlier attempt was applied", () => {
    const ring = [{ requestId, counter: 3 }];
    const marked = live({ version: ballot(3), ring });
    for (const committed of [ballot(3), ballot(2)]) {
      const outcome = run(requestOf({ mayHaveRun: true }), state({ accepted: ballot(3), value: marked, committed }));
      expect(outcome).toMatchObject({ kind: "applied", version: 3, replaced: undefined });
    }
  });

  test("is nothing for an identity round, which replaces nothing", () => {
    const outcome = run(requestOf({ intent: { kind: "identity" } }), holding);
    expect(outcome).toMatchObject({ kind: "applied", value: { size: 700 }, replaced: undefined });
  });
});

describe("a transfer round", () => {
  const [n1, n2, n3, n4, n5] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4), nodeId(5)];
  const joint = electorate([
    { members: [n1, n2, n3], read: 2, write: 2 },
    { members: [n3, n4, n5], read: 2, write: 2 },
  ]);
  const request = requestOf({ voters: transferVoters(joint), intent: { kind: "identity", transfer: true } });
  const held = state({ accepted: ballot(3), value: live({ version: ballot(3) }) });
  const ok = { kind: "ok" } as const;

  function promised(...by: readonly (typeof n1)[]) {
    const round = new Mutation(request);
    round.start();
    const effects = by.flatMap((node) => round.onReply(1, node, held));
    return { round, effects };
  }

  test("needs promises of both groups", () => {
    expect(promised(n3, n4, n5).effects).toEqual([]);
    expect(promised(n1, n2, n4).effects).toEqual([]);
    expect(promised(n1, n3, n4).effects).toMatchObject([
      { kind: "send", request: { kind: "accept", value: held.value } },
    ]);
  });

  test("needs votes of the new group only, leaves no hint, and keeps no promise", () => {
    const { round, effects } = promised(n1, n3, n4);
    expect(effects).toEqual([
      expect.objectContaining({ request: expect.not.objectContaining({ next: expect.anything() }) }),
    ]);
    expect([...round.onReply(2, n1, ok), ...round.onReply(2, n2, ok), ...round.onReply(2, n4, ok)]).toEqual([]);
    const [end, ...more] = round.onReply(2, n5, ok);
    expect(end).toMatchObject({ kind: "done", outcome: { kind: "applied", version: 3, kept: undefined } });
    expect(more).toEqual([]);
  });

  test("old group out of reach: not begun; no votes of it: done all the same", () => {
    const { round } = promised(n1, n3, n4);
    expect([n1, n2].flatMap((node) => round.onFailure(2, node, "gone"))).toEqual([]);
    expect([n3, n5].flatMap((node) => round.onReply(2, node, ok))).toMatchObject([{ kind: "done" }]);
    const other = new Mutation(request);
    other.start();
    const ends = [n1, n2].flatMap((node) => other.onFailure(1, node, "gone"));
    expect(ends).toMatchObject([{ kind: "done", outcome: { kind: "quorum_unavailable", needed: 2, got: 0 } }]);
  });

  test("where nothing is found nothing is voted on", () => {
    const round = new Mutation(request);
    round.start();
    const ends = [n1, n2, n4, n5].flatMap((node) => round.onReply(1, node, state()));
    expect(ends).toMatchObject([{ kind: "done", outcome: { kind: "condition_failed", current: undefined } }]);
  });
});
