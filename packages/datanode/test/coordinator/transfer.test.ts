import { afterEach, describe, expect, test } from "@jest/globals";
import { QuorumError, sameBallot } from "@quorumfs/core";
import type { Settled } from "../../src/coordinator/coordinator.js";
import { accept, ask, contentOf, readContent } from "../replica/fixture.js";
import { VotingGroup, watch } from "./voting-group.js";

let group: VotingGroup;
afterEach(() => group.close());

const moving = { nodes: [1, 2, 3], joining: [1, 2, 4] };

/** A file of version 7 on nodes 1 to 3, whose partition moves from there to nodes 1, 2 and 4. */
async function startMoving(): Promise<void> {
  group = await VotingGroup.start();
  for (const bucket of ["files", "strict"] as const) {
    const { id } = group.bucket(bucket);
    for (const node of [1, 2, 3]) await ask(group.replica(node), "a", accept(7), { bucket: id });
  }
  await group.publish(moving);
}

/** Voters of file `a` that have the ballot at which it was settled, and have promised the one behind it. */
async function promising({ ballot, place }: Settled): Promise<readonly number[]> {
  const found: number[] = [];
  for (const id of place.voters.members) {
    const copy = await group.replica(id).inspect({ bucket: group.bucket("files").id, path: "a", layout: place.layout });
    if (copy.kind !== "readable" || !ballot || !sameBallot(copy.state.accepted, ballot)) continue;
    if (copy.promised.counter === ballot.counter + 1) found.push(id);
  }
  return found;
}

describe("settling a file on its way to another group", () => {
  test("W = N, one old node lost: a transfer round needs W of the new group only", async () => {
    await startMoving();
    group.kill(3);
    const ordinary = watch(group.settle("a", { bucket: "strict" }));
    await group.clock.pass(10_000);
    expect(ordinary.outcome).toBeInstanceOf(QuorumError);
    const settled = await group.settle("a", { bucket: "strict", via: "transfer" });
    expect(settled).toMatchObject({ value: { kind: "live", version: { counter: 7 } }, place: { layout: 2 } });
    expect([...settled.acknowledged].sort()).toEqual([1, 2, 4]);
    const { id: bucket } = group.bucket("strict");
    const copy = await ask(group.replica(4), "a", readContent, { bucket, layout: 2 });
    expect(copy).toMatchObject({ accepted: settled.ballot });
    expect(contentOf(copy)).toBe("content 7");
  });

  test("one new node away: W = N of the new group cannot come together", async () => {
    await startMoving();
    group.kill(4);
    const settling = watch(group.settle("a", { bucket: "strict", via: "transfer" }));
    await group.clock.pass(10_000);
    expect(settling.outcome).toBeInstanceOf(QuorumError);
  });

  test("an ordinary round leaves promises for this node's next ballot; a transfer round none", async () => {
    await startMoving();
    expect(await promising(await group.settle("a", { bucket: "files", via: "transfer" }))).toEqual([]);
    expect(await promising(await group.settle("a", { bucket: "files" }))).toEqual([1, 2, 3, 4]);
  });

  test("the file does not move any more: as any other round", async () => {
    await startMoving();
    await group.publish({ nodes: [1, 2, 4] });
    const settled = await group.settle("a", { bucket: "files", via: "transfer" });
    expect(settled).toMatchObject({ value: { version: { counter: 7 } }, place: { layout: 3 } });
    expect(await promising(settled)).toEqual([1, 2, 4]);
  });

  test("the new group takes over meanwhile: another round under its layout, and the place says so", async () => {
    await startMoving();
    await group.publish({ nodes: [1, 2, 4] }, [2, 3, 4]);
    const settled = await group.settle("a", { bucket: "files", via: "transfer" });
    expect(settled).toMatchObject({ value: { version: { counter: 7 } }, place: { layout: 3 } });
    expect(group.votes.of("settle").restarted).toBe(1);
    expect(await promising(settled)).toEqual([1, 2, 4]);
  });

  test("there never was such a file: there is nothing to settle", async () => {
    await startMoving();
    const settled = await group.settle("none", { bucket: "files", via: "transfer" });
    expect(settled).toMatchObject({ value: undefined, ballot: undefined, acknowledged: [] });
  });
});
