import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  answer,
  type Ballot,
  type Effects,
  type Electorate,
  electorate,
  judge,
  type Judgement,
  Mutation,
  type NodeId,
  nodeId,
  Reading,
  type ReadingOutcome,
  type Register,
  type RegisterOperation,
  type ReplicaReply,
  type ReplicaRequest,
  type Testimony,
  zeroBallot,
} from "../../src/index.js";
import { ballot, live, state, tombstone } from "../register/values.js";

const [n1, n2, n3, n4] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4)];
const voters = electorate([{ members: [n1, n2, n3], read: 2, write: 2 }]);

function holds(accepted: Ballot, more: { committed?: Ballot; promised?: Ballot; floor?: number } = {}): Testimony {
  const { committed = zeroBallot, promised = accepted, floor = 0 } = more;
  const value = live({ version: accepted });
  return { kind: "state", state: state({ accepted, value, committed, floor }), promised };
}

const hasNothing: Testimony = { kind: "state", state: state(), promised: zeroBallot };
const silent: Testimony = { kind: "silent", reason: "connection refused" };
const abstains: Testimony = { kind: "abstains", reason: "its record is damaged" };

function judged(...testimonies: readonly Testimony[]): Judgement {
  return judge(voters, new Map(testimonies.map((one, index) => [nodeId(index + 1), one])));
}

describe("what a read would make of its replicas (N=3 R=2 W=2)", () => {
  const rows: readonly (readonly [string, readonly Testimony[], Partial<Judgement>])[] = [
    [
      "all have it",
      [holds(ballot(5)), holds(ballot(5)), holds(ballot(5))],
      { verdict: "found", counted: [n1, n2, n3] },
    ],
    ["one is away", [holds(ballot(5)), silent, holds(ballot(5))], { verdict: "found", counted: [n1, n3] }],
    ["one abstains", [holds(ballot(5)), abstains, holds(ballot(5))], { verdict: "found", counted: [n1, n3] }],
    ["one is behind", [holds(ballot(5)), holds(ballot(4)), holds(ballot(5))], { verdict: "found", holders: [n1, n3] }],
    ["two are away", [holds(ballot(5)), silent, silent], { verdict: "no_quorum", shortfall: { needed: 2, got: 1 } }],
    ["one away, one damaged", [abstains, silent, holds(ballot(5))], { verdict: "no_quorum" }],
    ["nobody has anything", [hasNothing, hasNothing, hasNothing], { verdict: "absent", proof: { kind: "nothing" } }],
    ["one vote of two", [holds(ballot(5)), hasNothing, hasNothing], { verdict: "unsettled", proof: undefined }],
    [
      "one vote, and it was told",
      [holds(ballot(5), { committed: ballot(5) }), hasNothing, silent],
      { verdict: "found", proof: { kind: "told", nodes: [n1] } },
    ],
  ];
  test.each(rows)("%s", (_, testimonies, expected) => {
    expect(judged(...testimonies)).toMatchObject(expected);
  });

  test("a read that does not meet the unsettled version answers the one before", () => {
    const { verdict, without } = judged(holds(ballot(7)), holds(ballot(5)), holds(ballot(5)));
    expect(verdict).toBe("unsettled");
    expect(without?.accepted).toEqual(ballot(5));
    expect(judged(holds(ballot(7)), holds(ballot(5)), silent).without).toBeUndefined();
  });

  test("a tombstone is the end of a file", () => {
    const value = tombstone({ version: ballot(6) });
    const deleted: Testimony = { kind: "state", state: state({ accepted: ballot(6), value }), promised: ballot(6) };
    expect(judged(deleted, deleted, holds(ballot(5))).verdict).toBe("absent");
  });

  test("while a partition moves, both groups count", () => {
    const joint = electorate([
      { members: [n1, n2, n3], read: 2, write: 2 },
      { members: [n2, n3, n4], read: 2, write: 2 },
    ]);
    const of = (entries: readonly (readonly [NodeId, Testimony])[]) => judge(joint, new Map(entries));
    const five = holds(ballot(5));
    expect(
      of([
        [n1, five],
        [n2, five],
        [n3, silent],
        [n4, silent],
      ]).verdict,
    ).toBe("no_quorum");
    expect(
      of([
        [n1, five],
        [n2, five],
        [n3, silent],
        [n4, hasNothing],
      ]).verdict,
    ).toBe("unsettled");
    expect(
      of([
        [n1, silent],
        [n2, five],
        [n3, five],
        [n4, hasNothing],
      ]).verdict,
    ).toBe("found");
  });
});

/** Replicas that hold one file, and coordinators whose messages get lost. */
class Field {
  readonly #registers = new Map<NodeId, Register>();
  readonly #committed = new Map<NodeId, Ballot>();
  readonly voters: Electorate;

  constructor(voters: Electorate) {
    this.voters = voters;
  }

  view(node: NodeId) {
    return { register: this.#registers.get(node), floor: 0, committed: this.#committed.get(node) ?? zeroBallot };
  }

  handle(node: NodeId, request: ReplicaRequest): ReplicaReply {
    const step = answer(this.view(node), request);
    if (step.store) this.#registers.set(node, step.store);
    if (step.committed) this.#committed.set(node, step.committed);
    return step.reply;
  }

  /** A put by one coordinator; each message arrives or not, as `arrives` says, and whoever gets no reply fails. */
  put(by: NodeId, request: number, arrives: () => boolean): void {
    const requestId = Uint8Array.from({ length: 16 }, () => request);
    const highest = Math.max(0, ...this.voters.members.map((node) => this.view(node).register?.promised.counter ?? 0));
    const mutation = new Mutation({
      voters: this.voters,
      self: { node: by, incarnation: 1 },
      intent:
        request % 5 === 4
          ? { kind: "delete" }
          : {
              kind: "put",
              size: 1,
              etag: Uint8Array.of(request),
              content: { kind: "inline", bytes: Uint8Array.of(1) },
              attributes: new Map(),
            },
      condition: { kind: "none" },
      requestId,
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      counterHint: highest,
      nowMs: 0,
    });
    run(mutation, (node, request) => (arrives() ? this.handle(node, request) : undefined));
  }

  testimonies(down: ReadonlySet<NodeId>): Map<NodeId, Testimony> {
    return new Map(
      this.voters.members.map((node): [NodeId, Testimony] => {
        if (down.has(node)) return [node, { kind: "silent", reason: "it is away" }];
        const view = this.view(node);
        const { reply } = answer(view, { kind: "read", withContent: false });
        if (reply.kind !== "state") throw new Error("a sound replica tells its state");
        return [node, { kind: "state", state: reply, promised: view.register?.promised ?? zeroBallot }];
      }),
    );
  }

  copy(): Field {
    const other = new Field(this.voters);
    for (const [node, register] of this.#registers) other.#registers.set(node, register);
    for (const [node, committed] of this.#committed) other.#committed.set(node, committed);
    return other;
  }
}

/** Drives an operation to its end, replies in the order in which it asks; undefined: no answer. */
function run<Outcome>(
  operation: RegisterOperation<Outcome>,
  ask: (node: NodeId, request: ReplicaRequest) => ReplicaReply | undefined,
  order: (nodes: readonly NodeId[]) => readonly NodeId[] = (nodes) => nodes,
): Outcome | undefined {
  let outcome: Outcome | undefined;
  const queue: Effects<Outcome>[] = [operation.start()];
  for (let effects = queue.shift(), steps = 0; effects && steps < 500; effects = queue.shift(), steps += 1) {
    for (const effect of effects) {
      if (effect.kind === "done") outcome ??= effect.outcome;
      else if (effect.kind === "timer") queue.push(operation.onTimer(effect.timer));
      else {
        for (const node of order(effect.to)) {
          const reply = ask(node, effect.request);
          if (effect.round === 0) continue;
          queue.push(
            reply
              ? operation.onReply(effect.round, node, reply)
              : operation.onFailure(effect.round, node, "it is away"),
          );
        }
      }
    }
  }
  return outcome;
}

function readingOf(field: Field): Reading {
  return new Reading({
    voters: field.voters,
    self: { node: n1, incarnation: 9 },
    withContent: false,
    counterHint: 0,
    requestId: new Uint8Array(0),
    nowMs: 0,
  });
}

const groups = fc.constantFrom<Electorate>(
  electorate([{ members: [n1, n2, n3], read: 2, write: 2 }]),
  electorate([{ members: [n1, n2, n3], read: 1, write: 3 }]),
  electorate([{ members: [n1, n2, n3], read: 3, write: 1 }]),
  electorate([{ members: [n1, n2, n3, n4, nodeId(5)], read: 2, write: 4 }]),
  electorate([
    { members: [n1, n2, n3], read: 2, write: 2 },
    { members: [n2, n3, n4], read: 2, write: 2 },
  ]),
);

test("property: the verdict is what a real read comes to, whatever was lost before it", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      groups,
      fc.array(
        fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 9 }), fc.infiniteStream(fc.boolean())),
        {
          maxLength: 4,
        },
      ),
      fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
      fc.infiniteStream(fc.nat()),
      (voters, puts, downs, draws) => {
        const field = new Field(voters);
        for (const [by, request, lucky] of puts) {
          const next = () => lucky.next().value === true;
          field.put(nodeId(by + 1), request, () => next() || next());
        }
        const down = new Set(downs.flatMap((index) => voters.members[index] ?? []));
        const testimonies = field.testimonies(down);
        const { verdict, finding, without } = judge(voters, testimonies);
        seen.add(verdict);

        const world = field.copy();
        const changes: ReplicaRequest["kind"][] = [];
        const shuffled = (nodes: readonly NodeId[]) =>
          nodes
            .map((node) => ({ node, rank: Number(draws.next().value) }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ node }) => node);
        const outcome: ReadingOutcome | undefined = run(
          readingOf(field),
          (node, request) => {
            if (request.kind === "accept" || request.kind === "prepare") changes.push(request.kind);
            return down.has(node) ? undefined : world.handle(node, request);
          },
          shuffled,
        );
        const version = outcome?.kind === "found" ? outcome.value.version.counter : undefined;
        switch (verdict) {
          case "found":
            expect(version).toBe(finding.value?.version.counter);
            // While a partition moves, a read that meets too few of those that were told finishes the write once more.
            if (voters.groups.length === 1) expect(changes).toEqual([]);
            break;
          case "absent":
            expect(outcome?.kind).toBe("not_found");
            break;
          case "no_quorum":
            expect(outcome?.kind).toBe("quorum_unavailable");
            break;
          case "unsettled":
            // It has settled what was found, or has not met it, or could not.
            if (changes.length === 0) {
              const expected = without?.value?.kind === "live" ? without.value.version.counter : undefined;
              expect(version).toBe(expected);
            } else if (outcome?.kind === "found") {
              expect(version).toBe(finding.value?.version.counter);
            }
            break;
        }
        // Whatever the verdict is, to ask for it has changed nothing.
        expect(field.testimonies(down)).toEqual(testimonies);
      },
    ),
    { numRuns: 500 },
  );
  expect([...seen].sort()).toEqual(["absent", "found", "no_quorum", "unsettled"]);
});
