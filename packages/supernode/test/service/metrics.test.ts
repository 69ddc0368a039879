import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture({ partitions: 24 });
  await fixture.start();
});
afterEach(() => fixture.stop());

/** The lines of one metric, without its name: `{state="up"} 3`. */
async function metric(name: string): Promise<readonly string[]> {
  const lines = (await fixture.metrics.text()).split("\n");
  return lines
    .filter((line) => new RegExp(`^quorumfs_supernode_${name}[ {]`).test(line))
    .map((line) => line.slice(19 + name.length).trim());
}

describe("metrics of a SuperNode", () => {
  test("while the cluster forms: all can be read", async () => {
    expect(await metric("nodes")).toEqual(['{state="up"} 0', '{state="suspect"} 0', '{state="down"} 0']);
    expect(await metric("layout_number")).toEqual(["0"]);
    expect(await metric("partitions_under_replicated")).toEqual(["0"]);
    expect(await metric("partitions_unwritable")).toEqual(["0"]);
  });

  test("nodes go down: who, and which partitions suffer", async () => {
    await fixture.startNodes(3);
    expect(await metric("nodes")).toEqual(['{state="up"} 3', '{state="suspect"} 0', '{state="down"} 0']);
    expect(await metric("partitions")).toEqual(['{state="settled"} 24', '{state="moving"} 0']);
    expect(await metric("joins_total")).toEqual(['{outcome="new"} 3']);
    await fixture.node(2).kill();
    await fixture.clock.advance(5000);
    expect(await metric("nodes")).toEqual(['{state="up"} 2', '{state="suspect"} 0', '{state="down"} 1']);
    expect(await metric("partitions_under_replicated")).toEqual(["24"]);
    expect(await metric("partitions_unwritable")).toEqual(["0"]);
    await fixture.node(1).kill();
    await fixture.clock.advance(5000);
    expect(await metric("partitions_unwritable")).toEqual(["24"]);
    expect(await metric("partitions_unreadable")).toEqual(["24"]);
    expect(await metric("events_total")).toContain('{kind="node.down"} 2');
    expect(Number((await metric("heartbeats_total"))[0])).toBeGreaterThan(10);
  });

  test("a holder that is up and behind: a file lacks a copy, and no partition a holder", async () => {
    await fixture.startNodes(3);
    for (const node of [1, 2, 3]) {
      fixture.node(node).files = [{ bucket: 1, path: "a", counter: node === 3 ? 1 : 2, size: 1 }];
    }
    expect((await fixture.state()).summary.underReplicated).toBe(1);
    expect(await metric("partitions_under_replicated")).toEqual(["0"]);
  });

  test("the layout changes: begun, under way, done; and stuck", async () => {
    await fixture.startNodes(4);
    fixture.node(4).takesOver = false;
    fixture.node(4).obstacle = "no room";
    await fixture.apply();
    await fixture.clock.advance(30_000);
    expect(await metric("layout_changes_total")).toEqual(['{outcome="started"} 1']);
    expect(await metric("layout_obstructed")).toEqual(["1"]);
    expect(Number((await metric("layout_moves_remaining"))[0])).toBeGreaterThan(0);
    fixture.node(4).takesOver = true;
    fixture.node(4).obstacle = "";
    await fixture.clock.advance(30_000);
    expect(await metric("layout_changes_total")).toEqual(['{outcome="started"} 1', '{outcome="done"} 1']);
    expect(await metric("layout_obstructed")).toEqual(["0"]);
    expect(await metric("layout_moves_remaining")).toEqual(["0"]);
  });

  test("commits and state queries are timed", async () => {
    await fixture.startNodes(3);
    await fixture.state();
    expect(Number((await metric("commit_seconds_count"))[0])).toBeGreaterThan(4);
    expect(await metric("state_query_seconds_count")).toEqual(['{outcome="done"} 1']);
  });
});
