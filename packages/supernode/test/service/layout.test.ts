import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AdminServiceService, LayoutChangeState } from "@quorumfs/proto";
import { Fixture } from "./fixture.js";

const { LAYOUT_CHANGE_STATE_DONE: done, LAYOUT_CHANGE_STATE_STOPPED: stopped } = LayoutChangeState;

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture();
  await fixture.start();
});

afterEach(() => fixture.stop());

describe("a node joins", () => {
  beforeEach(() => fixture.startNodes(4));

  test("it gets nothing before somebody says so, and the status tells how", async () => {
    expect(await fixture.condition()).toBe(
      "ready; DataNode 4 holds nothing yet: quorumfs layout apply gives its share",
    );
    expect(await fixture.shares()).toBe("1:1024 2:1024 3:1024 4:0");
  });

  test("apply gives it its share, in batches, and nothing is joint afterwards", async () => {
    const change = await fixture.apply();
    expect(change).toMatchObject({ id: 1, reason: "DataNode 4 takes its share", movesTotal: 768, movesDone: 0 });
    await fixture.clock.advance(20_000);
    expect(await fixture.change()).toMatchObject({ state: done, movesDone: 768, obstacles: [] });
    expect(await fixture.shares()).toBe("1:768 2:768 3:768 4:768");
    const { layout } = await fixture.cluster();
    expect(layout?.partitions.every(({ joining, nodes }) => joining.length === 0 && nodes.length === 3)).toBe(true);
    expect(await fixture.condition()).toBe("ready");
  });
});

test("stop", async () => {
  await fixture.startNodes(4);
  fixture.node(4).takesOver = false;
  await fixture.apply();
  await fixture.clock.advance(2000);
  await fixture.channel.unary(AdminServiceService.stopLayout, {}, {});
  fixture.node(4).takesOver = true;
  await fixture.clock.advance(5000);
  expect(await fixture.change()).toMatchObject({ state: stopped, movesDone: 256 });
  expect(await fixture.shares()).toMatch(/4:256$/);
});
