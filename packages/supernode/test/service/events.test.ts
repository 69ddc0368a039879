import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AdminServiceService, EventFilter, Severity } from "@quorumfs/proto";
import { settle } from "../support/virtual-clock.js";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture({ partitions: 24 });
  await fixture.start();
  await settle();
});
afterEach(() => fixture.stop());

interface Query extends Partial<EventFilter> {
  readonly limit?: number;
  readonly beforeId?: number;
}

async function events({ limit = 1000, beforeId = 0, ...given }: Query = {}) {
  const filter = EventFilter.fromPartial(given);
  return fixture.channel.unary(AdminServiceService.listEvents, { filter, beforeId, limit }, {});
}

/** Oldest first: `node.joined 2`. */
async function story(query: Query = {}): Promise<readonly string[]> {
  const { events: found } = await events(query);
  return found.map(({ kind, node }) => (node === 0 ? kind : `${kind} ${node}`)).reverse();
}

/** What a watch tells, as long as it is open. */
function watch(given: Partial<EventFilter> & { readonly afterId?: number } = {}) {
  const { afterId = 0, ...rest } = given;
  const request = { filter: EventFilter.fromPartial(rest), afterId };
  const over = new AbortController();
  const told: string[] = [];
  const ids: number[] = [];
  const done = (async () => {
    const stream = fixture.channel.serverStream(AdminServiceService.watchEvents, request, { signal: over.signal });
    for await (const message of stream) {
      told.push(`(${message.events.length})`, ...message.events.map(({ kind }) => kind));
      ids.push(...message.events.map(({ id }) => id));
    }
  })().catch(() => undefined);
  return { told, ids, end: () => (over.abort(), done) };
}

describe("what happens to nodes", () => {
  test("joined, formed, suspected, down, back: each once", async () => {
    await fixture.startNodes(3);
    expect(await story()).toEqual([
      "supernode.started",
      "node.joined 1",
      "node.joined 2",
      "node.joined 3",
      "cluster.formed",
    ]);
    await fixture.node(2).kill();
    await fixture.clock.advance(10_000);
    expect(await story({ node: 2 })).toEqual(["node.joined 2", "node.suspected 2", "node.down 2"]);
    await fixture.node(2).start();
    await fixture.clock.advance(1000);
    expect(await story({ node: 2 })).toEqual(["node.joined 2", "node.suspected 2", "node.down 2", "node.back 2"]);
    const [back] = (await events({ node: 2 })).events;
    expect(back?.message).toBe(`DataNode 2 (${fixture.node(2).address}) has started anew`);
  });

  test("a node that was only slow is back with how long it was away", async () => {
    await fixture.startNodes(3);
    fixture.node(1).freeze();
    await fixture.clock.advance(2000);
    fixture.node(1).beat();
    await fixture.clock.advance(100);
    expect(await story({ node: 1 })).toEqual(["node.joined 1", "node.suspected 1", "node.back 1"]);
    const [back] = (await events({ node: 1 })).events;
    expect(Number(back?.fields.get("away_ms"))).toBeGreaterThan(500);
  });

  test("the SuperNode starts anew: nobody is told again what was told before", async () => {
    await fixture.startNodes(3);
    await fixture.node(3).kill();
    await fixture.clock.advance(5000);
    await fixture.clock.sleep(60_000);
    await fixture.restart();
    await fixture.reconnect([1, 2]);
    await fixture.clock.advance(10_000);
    expect((await story()).slice(5)).toEqual(["node.suspected 3", "node.down 3", "supernode.started"]);
    const [started] = (await events({ limit: 1 })).events;
    expect(started?.message).toContain("nobody did for about");
  });

  test("what happened while the SuperNode was away is told when it is back", async () => {
    await fixture.startNodes(3);
    await fixture.node(3).kill();
    await fixture.clock.advance(5000);
    await fixture.stop();
    await fixture.node(1).kill();
    await fixture.start();
    await fixture.reconnect([2]);
    await fixture.node(3).start();
    await fixture.clock.advance(10_000);
    expect((await story({ kinds: ["node"] })).slice(5)).toEqual(["node.back 3", "node.down 1"]);
  });

  test("a store that is refused is told with the reason", async () => {
    await fixture.startNodes(3);
    const stranger = fixture.newNode();
    await expect(stranger.start({ clusterId: "another" })).rejects.toMatchObject({ code: "permission_denied" });
    await settle();
    const [refused] = (await events({ kinds: ["node.refused"] })).events;
    expect(refused?.message).toContain("belongs to");
    expect(refused?.severity).toBe(Severity.SEVERITY_ERROR);
  });

  test("a node that leaves", async () => {
    await fixture.startNodes(4);
    await fixture.apply();
    await fixture.clock.advance(60_000);
    fixture.node(4).notice("scrub.completed", "3 records");
    await fixture.apply({ 4: "leaving" });
    await fixture.clock.advance(60_000);
    await fixture.node(4).kill();
    await fixture.clock.advance(1000);
    expect(fixture.backUp().rows.get("event-trails")?.size).toBe(0);
    expect((await story({ kinds: ["layout", "node.left"] })).slice(-4)).toEqual([
      "layout.completed",
      "layout.started",
      "node.left 4",
      "layout.completed",
    ]);
  });
});

describe("buckets and layout", () => {
  test("buckets are made and deleted", async () => {
    await fixture.startNodes(3);
    await fixture.createBucket("photos", { read: 1, write: 3 });
    const deletion = fixture.channel.unary(AdminServiceService.deleteBucket, { name: "photos" }, {});
    await fixture.clock.advance(2000);
    await deletion;
    const found = (await events({ kinds: ["bucket"] })).events;
    expect(found.map(({ kind }) => kind)).toEqual(["bucket.deleted", "bucket.created"]);
    expect(found[1]?.message).toBe("bucket photos was made, with R=1 and W=3");
  });

  test("a change that gets no further is told once, with the reason", async () => {
    await fixture.startNodes(4);
    fixture.node(4).takesOver = false;
    fixture.node(4).obstacle = "no room";
    await fixture.apply();
    await fixture.clock.advance(60_000);
    const found = (await events({ kinds: ["layout.obstructed"] })).events;
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toContain("DataNode 4: no room");
  });
});

describe("what DataNodes notice", () => {
  test("is kept once and acknowledged, whichever side starts anew", async () => {
    await fixture.startNodes(3);
    const node = fixture.node(1);
    node.forgets = false;
    node.notice("damage.found", "a record was found damaged");
    await fixture.clock.advance(2000);
    expect(node.acknowledged.at(-1)).toBe(1);
    await fixture.restart();
    await fixture.reconnect();
    node.notice("damage.repaired", "a record was repaired");
    await fixture.clock.advance(2000);
    expect(node.acknowledged.at(-1)).toBe(2);
    await node.kill();
    await node.start();
    node.notice("scrub.completed", "3 records");
    await fixture.clock.advance(2000);
    expect(await story({ kinds: ["damage", "scrub"] })).toEqual([
      "damage.found 1",
      "damage.repaired 1",
      "scrub.completed 1",
    ]);
  });

  test("is acknowledged without waiting for the next beat", async () => {
    await fixture.startNodes(1);
    const node = fixture.node(1);
    node.notice("node.disk-failed", "the disk failed");
    const before = node.acknowledged.length;
    await fixture.clock.advance(500);
    expect(node.acknowledged.slice(before)).toEqual([0, 1]);
  });

  test("a SuperNode that crashes again and again while nodes notice things: nothing is lost, nothing doubled", async () => {
    await fixture.startNodes(3);
    for (let round = 0; round < 8; round += 1) {
      for (const node of fixture.nodes) node.notice("repair.completed", `round ${round} of ${node.id}`);
      // Before, while, and after it writes them.
      await fixture.clock.advance(round * 90);
      fixture.disk.commitsLeft = round % 2;
      await fixture.clock.advance(200);
      await fixture.restart();
      await fixture.reconnect();
    }
    await fixture.clock.advance(3000);
    const found = (await events({ kinds: ["repair"] })).events.map(({ message }) => message);
    const expected = Array.from({ length: 8 }, (_, round) => [1, 2, 3].map((id) => `round ${round} of ${id}`)).flat();
    expect([...found].sort()).toEqual(expected.sort());
  });
});

describe("asking", () => {
  test("by kind, severity and node; in pages", async () => {
    await fixture.startNodes(3);
    await fixture.node(2).kill();
    await fixture.clock.advance(5000);
    expect(await story({ severity: Severity.SEVERITY_WARNING })).toEqual(["node.suspected 2", "node.down 2"]);
    expect(await story({ kinds: ["cluster", "node.down"] })).toEqual(["cluster.formed", "node.down 2"]);
    expect(await story({ kinds: ["nod"] })).toEqual([]);
    const first = await events({ limit: 2 });
    expect(first.more).toBe(true);
    const second = await events({ limit: 100, beforeId: first.events.at(-1)?.id ?? 0 });
    expect(second.more).toBe(false);
    expect(first.events.length + second.events.length).toBe((await story()).length);
  });

  test("a filter of too many kinds is refused", async () => {
    const kinds = Array.from({ length: 101 }, () => "node");
    await expect(events({ kinds })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("a watch from now on tells that it has begun, and then what happens", async () => {
    await fixture.startNodes(3);
    const watching = watch({ kinds: ["bucket"] });
    await settle();
    expect(watching.told).toEqual(["(0)"]);
    await fixture.createBucket("photos");
    await settle();
    await fixture.node(1).kill();
    await fixture.clock.advance(5000);
    expect(watching.told).toEqual(["(0)", "(1)", "bucket.created"]);
    await watching.end();
  });

  test("a watch that goes on where another one ended misses nothing, over a restart of the SuperNode", async () => {
    await fixture.startNodes(3);
    const first = watch({ afterId: 1 });
    await settle();
    expect(first.ids).toEqual([2, 3, 4, 5]);
    await first.end();
    await fixture.restart();
    await fixture.reconnect();
    await fixture.createBucket("photos");
    const second = watch({ afterId: 5 });
    await settle();
    expect(second.ids).toEqual([6, 7]);
    await second.end();
  });

  test("a watch that knows events which this log has not is told all of it", async () => {
    await fixture.startNodes(3);
    const watching = watch({ afterId: 1_000_000 });
    await settle();
    expect(watching.ids).toEqual([1, 2, 3, 4, 5]);
    await watching.end();
  });

  test("the SuperNode stops: watches end", async () => {
    const watching = watch();
    await settle();
    await fixture.superNode.close();
    await watching.end();
    expect(watching.told).toEqual(["(0)"]);
  });
});
