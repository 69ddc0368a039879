import { getActiveResourcesInfo } from "node:process";
import { describe, expect, test } from "@jest/globals";
import { systemClock } from "@quorumfs/runtime";
import { startCluster } from "../../src/index.js";
import { waitUntil } from "../../src/cluster/wait-until.js";

/** Sockets, servers and the like: all that keeps a process from ending, timers aside, which ours never do. */
const openHandles = () => getActiveResourcesInfo().filter((kind) => /TCP|Pipe|UDP|FSEvent|Worker|Http2/i.test(kind));

describe("after close", () => {
  test("nothing is open that was not open before, whatever happened to the cluster", async () => {
    const before = openHandles().length;
    {
      await using cluster = await startCluster({ nodes: 3 });
      const client = await cluster.client();
      await client.put("files/a", "x");
      expect(openHandles().length).toBeGreaterThan(before + 6);
      await cluster.kill(1);
      await cluster.kill("supernode");
      cluster.partition([2], [3]);
      const put = client.put("files/b", "x", { timeoutMs: 500 });
      await expect(put).rejects.toMatchObject({ code: expect.stringMatching(/quorum_unavailable|unknown_outcome/) });
      cluster.heal();
      await cluster.restart(1);
      await cluster.restart("supernode");
      // Under way when the cluster closes.
      client.put("files/c", "x").catch(() => undefined);
    }
    await waitUntil({
      what: `only ${before} handles are open`,
      condition: () => openHandles().length <= before,
      timeoutMs: 10_000,
      clock: systemClock(),
    });
  });

  test("a client outlives its cluster no longer than its operations' deadlines", async () => {
    const cluster = await startCluster({ nodes: 1 });
    const client = await cluster.client();
    await cluster.close();
    await expect(client.put("files/a", "x", { timeoutMs: 500 })).rejects.toMatchObject({ code: "cancelled" });
    await client.close();
  });
});
