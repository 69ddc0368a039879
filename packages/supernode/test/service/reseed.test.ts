import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { LayoutChangeState } from "@quorumfs/proto";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture({ initialNodes: 4 });
  await fixture.start();
  await fixture.startNodes(4);
  await fixture.createBucket("more", { read: 1, write: 3 });
  await fixture.clock.advance(600);
});

afterEach(() => fixture.stop());

function addresses(numbers: readonly number[] = [1, 2, 3, 4]): readonly string[] {
  return numbers.map((number) => fixture.node(number).address);
}

async function partitions(): Promise<unknown> {
  return (await fixture.cluster()).layout?.partitions.map(({ nodes, joining }) => ({ nodes, joining }));
}

describe("the SuperNode's store is lost", () => {
  test("made anew from what the DataNodes remember: members, layout, buckets, and numbers above all", async () => {
    const before = await fixture.cluster();
    const placed = await partitions();
    fixture.replaceDisk();
    await fixture.restart({ reseedFrom: addresses() });
    const after = await fixture.cluster();
    expect(after.clusterId).toBe(before.clusterId);
    expect(after.revision).toBeGreaterThan(before.revision);
    expect(after.buckets).toEqual(before.buckets);
    expect(after.nodes.map(({ id, address }) => [id, address])).toEqual(
      before.nodes.map(({ id, address }) => [id, address]),
    );
    expect(after.layout?.number).toBeGreaterThan(before.layout?.number ?? Infinity);
    expect(await partitions()).toEqual(placed);
    await fixture.reconnect();
    await fixture.clock.advance(1000);
    expect(await fixture.condition()).toBe("ready");
    expect((await fixture.createBucket("next")).id).toBeGreaterThan(2);
  });

  test("with an empty one and nothing said, the DataNodes are of another cluster", async () => {
    fixture.replaceDisk();
    await fixture.restart();
    await expect(fixture.node(1).reconnect()).rejects.toMatchObject({ code: "permission_denied" });
  });

  test("nodes that have left stay so, and partitions that move come to their end", async () => {
    await fixture.startNodes(1);
    await fixture.node(4).kill();
    await fixture.clock.advance(3000);
    await fixture.apply({ 4: "lost" });
    await fixture.clock.advance(15_000);
    expect((await fixture.cluster()).formerNodes).toEqual([4]);
    fixture.node(5).takesOver = false;
    await fixture.apply({ 1: "draining" }).catch(() => undefined);
    await fixture.startNodes(1);
    await fixture.apply();
    await fixture.clock.advance(2000);
    for (const id of [1, 2, 3, 5, 6]) fixture.node(id).takesOver = true;
    fixture.replaceDisk();
    await fixture.restart({ reseedFrom: addresses([1, 2, 3, 5, 6]) });
    await fixture.reconnect([1, 2, 3, 5, 6]);
    await fixture.clock.advance(10_000);
    const { layout, formerNodes } = await fixture.cluster();
    expect(formerNodes).toEqual([4]);
    expect(layout?.partitions.every(({ joining }) => joining.length === 0)).toBe(true);
    const { LAYOUT_CHANGE_STATE_DONE: state } = LayoutChangeState;
    expect(await fixture.changes()).toMatchObject([{ state, reason: expect.stringContaining("made anew") }]);
  });
});

describe("an old copy of the SuperNode's store", () => {
  test("lacks a bucket: the DataNodes that know of it are not let in, and told how to go on", async () => {
    const backup = fixture.backUp();
    await fixture.createBucket("later");
    await fixture.clock.advance(600);
    fixture.replaceDisk(backup);
    await fixture.restart();
    await expect(fixture.node(1).join()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("--reseed-from"),
    });
    await fixture.restart({ reseedFrom: addresses() });
    expect((await fixture.cluster()).buckets.map(({ name }) => name)).toEqual(["files", "later", "more"]);
    await fixture.reconnect();
  });

  test("the newest one stays as it is, wherever the option was left", async () => {
    const { layout } = await fixture.cluster();
    await fixture.restart({ reseedFrom: addresses() });
    expect((await fixture.cluster()).layout).toEqual(layout);
    await fixture.reconnect();
  });
});

describe("refused", () => {
  beforeEach(async () => {
    fixture.replaceDisk();
    await fixture.stop();
  });

  afterEach(() => fixture.restart({ reseedFrom: [] }));

  test("a DataNode does not answer: said which", async () => {
    const address = fixture.node(2).address;
    await fixture.node(2).kill();
    await expect(fixture.restart({ reseedFrom: [...addresses([1, 3]), address] })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`the DataNode at ${address} did not tell what it remembers`),
    });
  });

  test("no majority of a partition's nodes was asked: said who else may be", async () => {
    await expect(fixture.restart({ reseedFrom: addresses([1]) })).rejects.toMatchObject({
      code: "precondition_failed",
      message: expect.stringContaining(`node 2 at ${fixture.node(2).address}`),
    });
  });

  test("DataNodes of two clusters", async () => {
    fixture.node(3).clusterId = "other";
    fixture.node(3).cluster = { ...(fixture.node(3).cluster ?? (await fixture.cluster())), clusterId: "other" };
    await expect(fixture.restart({ reseedFrom: addresses() })).rejects.toMatchObject({
      code: "precondition_failed",
      message: expect.stringContaining("name DataNodes of one cluster"),
    });
  });
});
