import { afterEach, describe, expect, test } from "@jest/globals";
import { AdminServiceService, LayoutChangeState } from "@quorumfs/proto";
import { Fixture } from "./fixture.js";

const { LAYOUT_CHANGE_STATE_DONE: done, LAYOUT_CHANGE_STATE_STOPPED: stopped } = LayoutChangeState;

/** Short, for virtual time costs real time as well. */
const deadAfterMs = 8000;
let fixture: Fixture;

afterEach(() => fixture.stop());

async function begin(nodes: number, config: ConstructorParameters<typeof Fixture>[0] = {}): Promise<void> {
  fixture = new Fixture({ initialNodes: nodes, deadAfterMs, ...config });
  await fixture.start();
  await fixture.startNodes(nodes);
}

describe("a DataNode is dead", () => {
  test("away for long enough: the others take its places, and it stays a member", async () => {
    await begin(4);
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs - 2000);
    expect(await fixture.changes()).toEqual([]);
    await fixture.clock.advance(18_000);
    expect(await fixture.change()).toMatchObject({ state: done, reason: "DataNode 2 was down for 8 s" });
    expect(await fixture.shares()).toBe("1:1024 2:0 3:1024 4:1024");
    expect(await fixture.cluster()).toMatchObject({ formerNodes: [], nodes: [{}, { id: 2, role: 1 }, {}, {}] });
  });

  test("back afterwards: it holds nothing until it is given its share again", async () => {
    await begin(4);
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 15_000);
    await fixture.node(2).start();
    await fixture.clock.advance(1000);
    expect(await fixture.condition()).toBe(
      "ready; DataNode 2 holds nothing yet: quorumfs layout apply gives its share",
    );
    await fixture.apply();
    await fixture.clock.advance(20_000);
    expect(await fixture.shares()).toBe("1:768 2:768 3:768 4:768");
  });

  test("back meanwhile: what it still holds stays there", async () => {
    await begin(4);
    for (const node of fixture.nodes) node.takesOver = false;
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 5000);
    expect(await fixture.change()).toMatchObject({ moving: 256, movesTotal: 768 });
    await fixture.node(2).start();
    await fixture.clock.advance(2000);
    for (const node of fixture.nodes) node.takesOver = true;
    await fixture.clock.advance(5000);
    expect(await fixture.change()).toMatchObject({
      state: stopped,
      movesDone: 256,
      reason: "DataNode 2 was down for 8 s; DataNode 2 is back",
    });
    expect(await fixture.shares()).toMatch(/ 2:512 /);
  });

  test("stopped by somebody: left alone until it has been back", async () => {
    await begin(4);
    for (const node of fixture.nodes) node.takesOver = false;
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 5000);
    await fixture.channel.unary(AdminServiceService.stopLayout, {}, {});
    for (const node of fixture.nodes) node.takesOver = true;
    await fixture.clock.advance(3 * deadAfterMs);
    expect(await fixture.changes()).toMatchObject([{ state: stopped, movesDone: 256 }]);
    await fixture.node(2).start();
    await fixture.clock.advance(1000);
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 15_000);
    expect(await fixture.changes()).toMatchObject([{ state: done }, { state: stopped }]);
  });

  test("too few others live: nothing moves", async () => {
    await begin(4);
    await fixture.node(2).kill();
    await fixture.node(3).kill();
    await fixture.clock.advance(3 * deadAfterMs);
    expect(await fixture.changes()).toEqual([]);
    await fixture.node(3).start();
    await fixture.clock.advance(20_000);
    expect(await fixture.change()).toMatchObject({ state: done, reason: "DataNode 2 was down for 8 s" });
  });

  test("a spare is used where there are too few others", async () => {
    await begin(3);
    await fixture.startNodes(1);
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 15_000);
    expect(await fixture.shares()).toBe("1:1024 2:0 3:1024 4:1024");
  });

  test("a spare gets nothing where there are enough others", async () => {
    await begin(4);
    await fixture.startNodes(1);
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 15_000);
    expect(await fixture.shares()).toBe("1:1024 2:0 3:1024 4:1024 5:0");
  });

  test("never, when it is told so", async () => {
    await begin(4, { deadAfterMs: 0 });
    await fixture.node(2).kill();
    await fixture.clock.advance(3 * deadAfterMs);
    expect(await fixture.changes()).toEqual([]);
  });

  test("the SuperNode slept, or has just started: that time does not count", async () => {
    await begin(4);
    await fixture.node(2).kill();
    await fixture.clock.advance(5000);
    await fixture.clock.sleep(10 * deadAfterMs);
    await fixture.clock.advance(2000);
    expect(await fixture.changes()).toEqual([]);
    await fixture.restart();
    await fixture.reconnect([1, 3, 4]);
    await fixture.clock.advance(deadAfterMs - 2000);
    expect(await fixture.changes()).toEqual([]);
    await fixture.clock.advance(5000);
    expect(await fixture.changes()).toHaveLength(1);
  });

  test("while another change is under way: that one goes on without it", async () => {
    await begin(4);
    await fixture.startNodes(1);
    fixture.node(5).takesOver = false;
    await fixture.apply();
    await fixture.clock.advance(2000);
    await fixture.node(2).kill();
    await fixture.clock.advance(deadAfterMs + 5000);
    expect((await fixture.change()).reason).toBe("DataNode 5 takes its share; DataNode 2 was down for 8 s");
    fixture.node(5).takesOver = true;
    await fixture.clock.advance(18_000);
    expect(await fixture.change()).toMatchObject({ state: done });
    expect(await fixture.shares()).toMatch(/^1:\d+ 2:0 3:\d+ 4:\d+ 5:[678]\d\d$/);
  });

  test("it was to take over: its partitions turn to others", async () => {
    await begin(4);
    await fixture.startNodes(1);
    fixture.node(5).takesOver = false;
    await fixture.apply();
    await fixture.clock.advance(2000);
    await fixture.node(5).kill();
    await fixture.clock.advance(deadAfterMs + 15_000);
    expect(await fixture.change()).toMatchObject({ state: done });
    expect(await fixture.shares()).toMatch(/^1:76\d 2:76\d 3:76\d 4:76\d 5:0$/);
  });
});

describe("a DataNode comes with an empty store to the address of one that is down", () => {
  test("it replaces that one at once", async () => {
    await begin(4);
    const { address } = fixture.node(2);
    const before = (await fixture.cluster()).layout?.partitions.map(({ nodes }) => nodes);
    await fixture.node(2).kill();
    await fixture.clock.advance(4000);
    const fresh = fixture.newNode();
    fresh.port = Number(address.split(":")[1]);
    await fresh.start();
    await fixture.clock.advance(20_000);
    expect(await fixture.change()).toMatchObject({
      state: done,
      reason: "DataNode 5 came with an empty store to the place of DataNode 2",
    });
    const after = (await fixture.cluster()).layout?.partitions.map(({ nodes }) => nodes);
    expect(after).toEqual(before?.map((nodes) => nodes.map((id) => (id === 2 ? 5 : id))));
  });

  test("not where too few others live", async () => {
    await begin(3);
    const { address } = fixture.node(2);
    await fixture.node(2).kill();
    await fixture.node(3).kill();
    await fixture.clock.advance(4000);
    const fresh = fixture.newNode();
    fresh.port = Number(address.split(":")[1]);
    await fresh.start();
    await fixture.clock.advance(5000);
    expect(await fixture.changes()).toEqual([]);
  });
});
