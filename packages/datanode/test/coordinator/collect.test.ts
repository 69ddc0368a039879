import { afterEach, describe, expect, test } from "@jest/globals";
import type { ReplicaReply } from "@quorumfs/core";
import { accept, ask, contentOf, read, readContent, tombstoneOf } from "../replica/fixture.js";
import { settle } from "../support/step-clock.js";
import { VotingGroup, watch } from "./voting-group.js";

const voters = [1, 2, 3];
const erased = { kind: "state", value: undefined };
const deleted = { kind: "state", value: { kind: "tombstone" } };

let group: VotingGroup;
afterEach(() => group.close());

/** Nodes 1 to 3, which have the tombstone of file `a`. */
async function startDeleted(): Promise<void> {
  group = await VotingGroup.start();
  for (const id of voters) await ask(group.replica(id), "a", accept(7, tombstoneOf(7)));
}

async function states(): Promise<readonly ReplicaReply[]> {
  await settle();
  return Promise.all(voters.map((id) => ask(group.replica(id), "a", read, { layout: group.layout })));
}

describe("collecting a tombstone (N=3 R=2 W=2)", () => {
  test("all vote for it: it is erased everywhere, and the floors keep what was promised", async () => {
    await startDeleted();
    const outcome = await group.collect("a");
    expect(outcome).toMatchObject({ kind: "erasing", ballot: { counter: 8, node: 1 } });
    // With its vote each of them has promised the ballot behind it.
    expect(await states()).toMatchObject(voters.map(() => ({ ...erased, floor: 9 })));
  });

  test("a file that exists stays", async () => {
    group = await VotingGroup.start();
    for (const id of voters) await ask(group.replica(id), "a", accept(7));
    expect(await group.collect("a")).toEqual({ kind: "nothing_to_collect" });
    for (const id of voters) expect(contentOf(await ask(group.replica(id), "a", readContent))).toBe("content 7");
  });

  test("a replica is away: postponed, and the others keep it", async () => {
    await startDeleted();
    group.kill(3);
    expect(await group.collect("a")).toMatchObject({ kind: "postponed", reason: expect.stringContaining("node:3") });
    expect(await states()).toMatchObject([deleted, deleted, deleted]);
  });

  test("its partition moves: postponed, and nobody is asked", async () => {
    await startDeleted();
    await group.publish({ nodes: voters, joining: [1, 2, 4] });
    expect(await group.collect("a")).toEqual({ kind: "postponed", reason: "the partition moves" });
    expect(group.votes.of("collect").asked).toBe(0);
  });

  test("nobody answers: postponed at the deadline", async () => {
    await startDeleted();
    group.holdVotes();
    const watched = watch(group.collect("a", 1000));
    await group.clock.pass(900);
    expect(watched.outcome).toBe("under way");
    await group.clock.pass(200);
    expect(watched.outcome).toEqual({ kind: "postponed", reason: "the deadline passed" });
    expect(await states()).toMatchObject([deleted, deleted, deleted]);
  });

  test("its caller gives it up: cancelled", async () => {
    await startDeleted();
    group.holdVotes();
    const bucket = group.bucket("files");
    let error: unknown;
    const cancel = group.coordinator.collect({ bucket, path: "a", deadlineMs: 10_000 }, (thrown) => (error = thrown));
    await settle();
    cancel();
    expect(error).toMatchObject({ code: "cancelled" });
    expect(await states()).toMatchObject([deleted, deleted, deleted]);
  });

  test("the replicas follow a newer layout: it is collected under that", async () => {
    await startDeleted();
    await group.publish({ nodes: voters }, [2, 3]);
    expect(await group.collect("a")).toMatchObject({ kind: "erasing" });
    expect(group.votes.of("collect").restarted).toBe(1);
    expect(await states()).toMatchObject([erased, erased, erased]);
  });

  test("they follow one that nobody tells this node: unavailable after three tries, and it stays", async () => {
    await startDeleted();
    await group.publish({ nodes: voters }, [2, 3]);
    group.superNodeAnswers = false;
    await expect(group.collect("a")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("layout 2"),
    });
    expect(group.votes.of("collect").restarted).toBe(2);
    await group.publish({ nodes: voters });
    expect(await states()).toMatchObject([deleted, deleted, deleted]);
  });
});
