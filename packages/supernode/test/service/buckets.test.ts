import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AdminServiceService } from "@quorumfs/proto";
import { settle } from "../support/virtual-clock.js";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture();
  await fixture.start();
  await fixture.startNodes(3);
});

afterEach(() => fixture.stop());

async function deleteBucket(name: string): Promise<void> {
  await fixture.channel.unary(AdminServiceService.deleteBucket, { name }, {});
}

async function names(): Promise<readonly string[]> {
  const { buckets } = await fixture.channel.unary(AdminServiceService.listBuckets, {}, {});
  return buckets.map(({ name, deleting }) => (deleting ? `${name} deleting` : name));
}

describe("create", () => {
  test.each([
    [{}, { readQuorum: 2, writeQuorum: 2, durability: 1 }],
    [{ read: 1 }, { readQuorum: 1, writeQuorum: 3 }],
    [{ write: 1 }, { readQuorum: 3, writeQuorum: 1 }],
    [
      { read: 3, write: 3, durability: 2 as const },
      { readQuorum: 3, writeQuorum: 3, durability: 2 },
    ],
  ])("%j becomes %j", async (given, made) => {
    expect(await fixture.createBucket("more", given)).toMatchObject({ id: 2, name: "more", ...made });
    expect(fixture.node(1).cluster?.buckets.map(({ name }) => name)).toBeDefined();
  });

  test.each([
    ["No", {}, "bucket name"],
    ["ok-name", { read: 1, write: 2 }, "R + W must be greater than N"],
    ["ok-name", { read: 4 }, "R must be a whole number from 1 to 3"],
  ])("%s %j: refused", async (name, quorum, message) => {
    await expect(fixture.createBucket(name, quorum)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(message),
    });
  });

  test("twice, even at once: one wins", async () => {
    const attempts = await Promise.allSettled([1, 2, 3].map(() => fixture.createBucket("more")));
    expect(attempts.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    await expect(fixture.createBucket("more")).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("an unknown bucket is not found", async () => {
    for (const name of ["nope", "__proto__", ""]) {
      await expect(fixture.channel.unary(AdminServiceService.getBucket, { name }, {})).rejects.toMatchObject({
        code: "not_found",
      });
    }
  });
});

describe("delete", () => {
  test("an empty bucket goes, and its name comes back with another id", async () => {
    await fixture.createBucket("more");
    fixture.node(1).files = [{ bucket: 2, path: "gone", counter: 3, tombstone: true }];
    const deleted = deleteBucket("more");
    await settle();
    expect(await names()).toEqual(["files", "more deleting"]);
    await fixture.clock.advance(1000);
    await deleted;
    expect(await names()).toEqual(["files"]);
    expect((await fixture.createBucket("more")).id).toBe(3);
  });

  test("a bucket with a file stays, and is usable again", async () => {
    await fixture.createBucket("more");
    fixture.node(3).files = [{ bucket: 2, path: "a/kept", counter: 3 }];
    const deleted = deleteBucket("more");
    deleted.catch(() => undefined);
    await fixture.clock.advance(1000);
    await expect(deleted).rejects.toMatchObject({
      code: "precondition_failed",
      message: expect.stringContaining("a/kept"),
    });
    expect(await names()).toEqual(["files", "more"]);
  });

  test("a newer tombstone elsewhere makes a copy no file", async () => {
    await fixture.createBucket("more");
    fixture.node(1).files = [{ bucket: 2, path: "a", counter: 3 }];
    fixture.node(2).files = [{ bucket: 2, path: "a", counter: 4, tombstone: true }];
    const deleted = deleteBucket("more");
    await fixture.clock.advance(1000);
    await deleted;
    expect(await names()).toEqual(["files"]);
  });

  test("a DataNode is away: refused at once, naming it", async () => {
    await fixture.createBucket("more");
    await fixture.node(2).kill();
    await settle();
    await expect(deleteBucket("more")).rejects.toMatchObject({
      code: "unavailable",
      details: { nodes: [{ node: 2 }] },
    });
    expect(await names()).toEqual(["files", "more"]);
  });

  test("a DataNode that does not follow in 10 s: refused, naming it, and the bucket is as before", async () => {
    await fixture.createBucket("more");
    await fixture.clock.advance(1000);
    fixture.node(2).follows = false;
    await fixture.clock.advance(1000);
    const deleted = deleteBucket("more");
    deleted.catch(() => undefined);
    await fixture.clock.advance(9000);
    expect(await names()).toEqual(["files", "more deleting"]);
    await fixture.clock.advance(1100);
    await expect(deleted).rejects.toMatchObject({ code: "unavailable", details: { nodes: [{ node: 2 }] } });
    expect(await names()).toEqual(["files", "more"]);
  });

  test("a DataNode that will not say what it holds: refused, naming it", async () => {
    await fixture.createBucket("more");
    fixture.network.mute.add(fixture.node(1).address);
    const deleted = deleteBucket("more");
    deleted.catch(() => undefined);
    await fixture.clock.advance(5000);
    await expect(deleted).rejects.toMatchObject({ code: "unavailable", details: { nodes: [{ node: 1 }] } });
    expect(await names()).toEqual(["files", "more"]);
  });

  test("twice at once: the second is refused", async () => {
    await fixture.createBucket("more");
    const first = deleteBucket("more");
    await settle();
    await expect(deleteBucket("more")).rejects.toMatchObject({ code: "precondition_failed" });
    await fixture.clock.advance(1000);
    await first;
    await expect(deleteBucket("more")).rejects.toMatchObject({ code: "not_found" });
  });

  test("the SuperNode dies in the middle: after its restart the bucket is as before", async () => {
    await fixture.createBucket("more");
    for (const node of fixture.nodes) node.follows = false;
    await fixture.clock.advance(1000);
    const deleted = deleteBucket("more");
    deleted.catch(() => undefined);
    await settle();
    expect(await names()).toEqual(["files", "more deleting"]);
    fixture.disk.break();
    await fixture.stop();
    await expect(deleted).rejects.toMatchObject({ code: "unavailable" });
    await fixture.start();
    expect(await names()).toEqual(["files", "more"]);
  });
});
