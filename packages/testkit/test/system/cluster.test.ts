import { describe, expect, test } from "@jest/globals";
import { SimulatedCluster } from "../../src/system/cluster/simulated-cluster.js";
import { drawSystemPlan } from "../../src/system/plan/system-plan.js";
import { runSystem } from "../../src/system/run-system.js";
import { World } from "../../src/system/world/world.js";

async function smallRun(seed: number) {
  const world = new World({ seed });
  const cluster = new SimulatedCluster({ world, nodes: 3, superNode: { replicas: 3 }, dataNode: {} });
  const found = await world.run(
    (async () => {
      await cluster.start();
      const { client } = await cluster.connect();
      await client.buckets.create("box");
      await client.put("box/a", "hello");
      const large = new Uint8Array(140_000).fill(7);
      await client.put("box/large", large);
      const { content } = await client.get("box/a");
      const back = await client.get("box/large");
      const listed: string[] = [];
      for await (const entry of client.list("box")) listed.push(entry.name);
      await client.close();
      return { text: Buffer.from(content).toString(), large: back.content.length, listed };
    })(),
  );
  return { world, found };
}

describe("a simulated cluster", () => {
  test("serves puts, gets and listings", async () => {
    const { world, found } = await smallRun(1);
    expect(found).toEqual({ text: "hello", large: 140_000, listed: ["box/a", "box/large"] });
    expect(world.nowMs).toBeGreaterThan(0);
  });

  test.each([2, 3, 4])("one seed is one run, to the last byte: seed %i", async (seed) => {
    const [first, second] = [await smallRun(seed), await smallRun(seed)];
    expect(second.world.trace.checksum).toBe(first.world.trace.checksum);
    expect(second.world.trace.events).toBe(first.world.trace.events);
  });

  // Each of these went wrong once.
  test.each([
    ["a client that dies while it still connects holds up no run", 32_070],
    ["a chunk that comes after its partition has gone does not stay", 40_905],
  ])("%s", async (_, seed) => {
    const { violation } = await runSystem(drawSystemPlan(seed));
    expect(violation).toBeUndefined();
  });
});
