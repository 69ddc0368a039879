import { describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { Bucket, Layout } from "@quorumfs/proto";
import { systemRandom } from "@quorumfs/runtime";
import { MemoryDisk, MemoryPlatter } from "../../../runtime/test/disk/memory-disk.js";
import { ControlStore } from "../../src/cluster/control-store.js";
import type { Change } from "../../src/layout/change.js";
import { decodeMember, encodeMember, type Member } from "../../src/cluster/member.js";

const random = systemRandom();

const member: Member = {
  id: nodeId(3),
  storeId: new Uint8Array(16).fill(3),
  address: "host:3",
  zone: "z",
  capacityBytes: 2 ** 40,
  incarnation: 2,
  version: "1.0.0",
  runId: new Uint8Array(16).fill(4),
  commits: 7,
  role: "leaving",
  displacedBy: 4,
  metricsAddress: "10.0.0.7:7101",
};

const change: Change = {
  id: 3,
  state: "moving",
  reason: "DataNode 4 takes its share",
  automatic: true,
  without: [nodeId(2)],
  startedAtMs: 5,
  endedAtMs: 0,
  firstLayout: 1,
  lastLayout: 2,
  movesTotal: 9,
  movesDone: 0,
  bytesTotal: 2 ** 40,
};

function open(disk: MemoryDisk, replicas = 0): Promise<ControlStore> {
  return ControlStore.open({ disk, random, replicas });
}

describe("control store", () => {
  test("a new cluster has an id of its own, and three replicas unless told otherwise", async () => {
    const [one, two] = [await open(new MemoryDisk()), await open(new MemoryDisk(), 5)];
    expect(one.identity).toMatchObject({ clusterId: expect.stringMatching(/^[0-9a-f]{32}$/), replicas: 3, starts: 1 });
    expect(two.identity.replicas).toBe(5);
    expect(two.identity.clusterId).not.toBe(one.identity.clusterId);
  });

  test("everything is there after a restart, and the start is counted", async () => {
    const disk = new MemoryDisk();
    const before = await open(disk, 5);
    const layout = Layout.fromPartial({ number: 1, replicas: 5, partitions: [{ nodes: [3], layout: 1 }] });
    const bucket = Bucket.fromPartial({ id: before.nextBucketId, name: "files", readQuorum: 2, writeQuorum: 2 });
    const targets = [[nodeId(3), nodeId(9)]];
    await before.commit({ members: [member], layout, buckets: [bucket], targets, changes: [change] });
    await before.commit({
      members: [
        { ...member, address: "host:4" },
        { ...member, id: nodeId(9) },
      ],
    });
    const after = await open(disk);
    expect(after.identity).toEqual({ ...before.identity, starts: 2, changes: 6 });
    const { members, layout: kept, buckets, ...rest } = after.read();
    expect(members.map(({ id, address }) => [id, address])).toEqual([
      [3, "host:4"],
      [9, "host:3"],
    ]);
    const { storeId, runId } = members[1] ?? member;
    expect({ ...members[1], storeId: [...storeId], runId: [...runId] }).toEqual({
      ...member,
      id: 9,
      storeId: [...member.storeId],
      runId: [...member.runId],
    });
    expect(rest).toEqual({ formers: [], targets, changes: [change] });
    expect(kept).toEqual(layout);
    expect(buckets).toEqual([bucket]);
  });

  test("a member that was stored before it could say where its metrics are", () => {
    const { metricsAddress, ...earlier } = JSON.parse(Buffer.from(encodeMember(member)).toString()) as Record<
      string,
      unknown
    >;
    expect(metricsAddress).toBe("10.0.0.7:7101");
    expect(decodeMember(Buffer.from(JSON.stringify(earlier)))).toMatchObject({ id: 3, metricsAddress: "" });
  });

  test("ids of deleted buckets are never given again", async () => {
    const disk = new MemoryDisk();
    const store = await open(disk);
    const bucket = Bucket.fromPartial({ id: store.nextBucketId, name: "a" });
    await store.commit({ buckets: [bucket] });
    await store.commit({ removedBuckets: [bucket] });
    expect(store.nextBucketId).toBe(2);
    const after = await open(disk);
    expect(after.nextBucketId).toBe(2);
    expect(after.read().buckets).toEqual([]);
  });

  test("a member that leaves becomes a former one, and a change is forgotten, each in one commit", async () => {
    const disk = new MemoryDisk();
    const store = await open(disk);
    await store.commit({ members: [member], changes: [change, { ...change, id: 4 }] });
    const { id } = member;
    await store.commit({ retired: [{ id, storeId: Buffer.from(member.storeId), leftAtMs: 8 }], droppedChange: 3 });
    const { members, formers, changes } = (await open(disk)).read();
    expect(members).toEqual([]);
    expect(formers).toEqual([{ id, storeId: Buffer.from(member.storeId), leftAtMs: 8 }]);
    expect(changes.map((one) => one.id)).toEqual([4]);
  });

  test("N is fixed", async () => {
    const disk = new MemoryDisk();
    await open(disk, 3);
    await expect(open(disk, 5)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(open(disk, 3)).resolves.toBeDefined();
  });

  test.each(["", "{", "[]", '{"format":2}', '{"format":1,"clusterId":"x","replicas":3,"starts":1,"bucketsMade":0}'])(
    "identity %j: refused as corrupt",
    async (text) => {
      const disk = new MemoryDisk(new MemoryPlatter());
      const table = disk.table("meta");
      await disk.commit([{ table, key: Buffer.from("identity"), value: Buffer.from(text) }]);
      await expect(open(disk)).rejects.toMatchObject({ code: "corrupt" });
    },
  );
});
