import { describe, expect, it } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { openIdentity, rememberFault, rememberMember } from "../../src/cluster/identity.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { CountingRandom } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

const random = new CountingRandom();

describe("identity", () => {
  it("each start has the same store id and the next incarnation", async () => {
    const disk = new MemoryDisk();
    const first = await openIdentity({ disk, random });
    const second = await openIdentity({ disk, random });
    expect(first).toMatchObject({ incarnation: 1, member: undefined });
    expect(second.incarnation).toBe(2);
    expect(Buffer.from(second.storeId)).toEqual(Buffer.from(first.storeId));
  });

  it("is told only when it is durable", async () => {
    const disk = new MemoryDisk();
    disk.hold();
    let told = false;
    const opening = openIdentity({ disk, random }).then(() => (told = true));
    await settle();
    expect(told).toBe(false);
    disk.release();
    await opening;
  });

  it("a start that lost power before it was durable is no start", async () => {
    const disk = new MemoryDisk();
    await openIdentity({ disk, random });
    disk.hold();
    void openIdentity({ disk, random });
    expect((await openIdentity({ disk: disk.crash(), random })).incarnation).toBe(2);
  });

  it("the membership comes back", async () => {
    const disk = new MemoryDisk();
    await openIdentity({ disk, random });
    await rememberMember(disk, { clusterId: "c-1", nodeId: nodeId(7) });
    expect((await openIdentity({ disk: disk.crash(), random })).member).toEqual({ clusterId: "c-1", nodeId: 7 });
  });

  it("a store that was refused is not changed any more, unless that is forgiven", async () => {
    const disk = new MemoryDisk();
    await openIdentity({ disk, random });
    await rememberFault(disk, "rolled_back");
    const { commits } = disk;
    expect(await openIdentity({ disk, random })).toMatchObject({ incarnation: 1, fault: "rolled_back" });
    expect(await openIdentity({ disk: disk.crash(), random })).toMatchObject({ incarnation: 1, fault: "rolled_back" });
    expect(disk.commits).toBe(commits);
    expect(await openIdentity({ disk, random, forgive: true })).toMatchObject({ incarnation: 2, fault: undefined });
    expect(await openIdentity({ disk, random })).toMatchObject({ incarnation: 3, fault: undefined });
  });

  it.each(["store-id", "incarnation", "member", "fault"])("a damaged %s is told, not replaced", async (key) => {
    const disk = new MemoryDisk();
    await openIdentity({ disk, random });
    const table = disk.table("node");
    await disk.commit([{ table, key: Buffer.from(key), value: Buffer.from("?") }]);
    await expect(openIdentity({ disk, random })).rejects.toMatchObject({ code: "corrupt" });
  });
});
