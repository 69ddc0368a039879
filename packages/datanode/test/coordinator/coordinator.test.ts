import { afterEach, describe, expect, it } from "@jest/globals";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

const text = async (index: number, path: string) =>
  new TextDecoder().decode((await cluster.files(index).get(path)).content);

describe("coordinator (N=3 R=2 W=2)", () => {
  it("one node away: everything goes on", async () => {
    cluster = await SmallCluster.start();
    await cluster.nodes[2]?.close();
    await settle();
    await cluster.files(0).put("a", "1");
    await cluster.files(1).put("a", "2");
    expect(await text(0, "a")).toBe("2");
  });

  it("two nodes away: the error says what was needed, what came, and why", async () => {
    cluster = await SmallCluster.start();
    await cluster.nodes[1]?.close();
    await cluster.nodes[2]?.close();
    await settle();
    const putting = cluster.files(0).put("a", "1");
    const expectation = expect(putting).rejects.toMatchObject({
      code: "quorum_unavailable",
      details: { needed: 2, nodes: [{ node: 2 }, { node: 3 }] },
    });
    await cluster.clock.pass(3000);
    await expectation;
  });

  it("peers that never answer: unavailable after the vote's time, without effect", async () => {
    cluster = await SmallCluster.start();
    cluster.holdVotesFrom(0);
    const expectation = expect(cluster.files(0).put("a", "1")).rejects.toMatchObject({ code: "quorum_unavailable" });
    await cluster.clock.pass(1500);
    await expectation;
    cluster.network.release();
    await settle();
    await expect(cluster.files(1).get("a")).rejects.toMatchObject({ code: "not_found" });
  });

  it("accepts that nobody is heard of: unknown, never failed", async () => {
    cluster = await SmallCluster.start();
    const files = cluster.files(0);
    await files.put("a", "1");
    await settle();
    // From its own last write this node has a promise, so that the next write begins with the ACCEPT.
    cluster.holdVotesFrom(0);
    const expectation = expect(files.put("a", "2")).rejects.toMatchObject({ code: "unknown_outcome" });
    await cluster.clock.pass(15_000);
    await expectation;
  });

  it("a delete that was refused stays refused, and says so by what it met: the file was absent then", async () => {
    cluster = await SmallCluster.start();
    const request = { requestId: new Uint8Array(16).fill(7), mayHaveRun: true };
    await expect(cluster.files(0).delete("a", request)).rejects.toMatchObject({ code: "not_found" });
    await cluster.files(0).put("a", "1");
    await expect(cluster.files(1).delete("a", request)).rejects.toMatchObject({ code: "not_found" });
    expect(await text(2, "a")).toBe("1");
  });

  it("a condition that an earlier attempt failed on: refused without the version that is there by now", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    const condition = { $case: "ifAbsent", value: true } as const;
    const request = { requestId: new Uint8Array(16).fill(7), mayHaveRun: true, condition };
    const first: unknown = await cluster
      .files(0)
      .put("a", "2", request)
      .catch((error: unknown) => error);
    expect(first).toMatchObject({ code: "precondition_failed", details: { currentVersion: 1 } });
    await cluster.files(0).put("a", "3");
    const again: unknown = await cluster
      .files(1)
      .put("a", "2", request)
      .catch((error: unknown) => error);
    expect(again).toMatchObject({ code: "precondition_failed" });
    expect(again).not.toHaveProperty("details.currentVersion");
  });

  /** Frames of votes that node 1 sends to node 2 from now on. */
  function countFrames(): { sent: number } {
    const frames = { sent: 0 };
    const address = cluster.nodes[1]?.address;
    cluster.network.gate = ({ from, to, path }) => {
      if (from === "1" && to === address && path.endsWith("/Exchange")) frames.sent += 1;
      return true;
    };
    return frames;
  }

  it("the second write to a file by one node takes one round, and no hint if all have voted", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await settle();
    const frames = countFrames();
    await cluster.files(0).put("a", "2");
    await cluster.clock.pass(200);
    expect(frames.sent).toBe(1);
    expect(await text(1, "a")).toBe("2");
  });

  it("one node away: the other one gets the hint that the write is chosen", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await cluster.nodes[2]?.close();
    await settle();
    const frames = countFrames();
    await cluster.files(0).put("a", "2");
    const before = frames.sent;
    await cluster.clock.pass(200);
    expect(frames.sent).toBe(before + 1);
  });

  it("a read asks a quorum first: one peer hears of it", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await settle();
    const asked = new Set<string>();
    cluster.network.gate = ({ from, to, path }) => {
      if (from === "1" && path.endsWith("/Exchange")) asked.add(to);
      return true;
    };
    expect(await text(0, "a")).toBe("1");
    expect(asked.size).toBe(1);
  });

  it("a read whose first choice does not answer turns to the other one", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await settle();
    let silent: string | undefined;
    cluster.network.gate = ({ from, to, path }) => {
      if (from !== "1" || !path.endsWith("/Exchange")) return true;
      silent ??= to;
      return to !== silent;
    };
    const reading = text(0, "a");
    await cluster.clock.pass(150);
    expect(await reading).toBe("1");
  });

  it("writers on all nodes at once: every write counts, in one order", async () => {
    cluster = await SmallCluster.start();
    const writing = Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        for (;;) {
          try {
            return (await cluster.files(index % 3).put("a", String(index))).file?.version;
          } catch {
            await settle();
          }
        }
      }),
    );
    let done = false;
    void writing.then(() => (done = true));
    while (!done) await cluster.clock.pass(10);
    const versions = await writing;
    expect(new Set(versions).size).toBe(30);
    const { file } = await cluster.files(0).stat("a");
    expect(file?.version).toBe(Math.max(...versions.map((version) => version ?? 0)));
  });

  it("too many waiting for one file: refused at once", async () => {
    cluster = await SmallCluster.start();
    cluster.holdVotesFrom(0);
    const puts = Array.from({ length: 66 }, (_, index) => cluster.files(0).put("a", String(index)));
    const outcomes = Promise.allSettled(puts);
    await settle();
    const last = puts.at(-1);
    await expect(last).rejects.toMatchObject({ code: "resource_exhausted" });
    cluster.network.release();
    expect((await outcomes).filter(({ status }) => status === "fulfilled")).toHaveLength(65);
  });

  it("waiting behind others until the deadline: refused like them", async () => {
    cluster = await SmallCluster.start({ config: { voteTimeoutMs: 30_000 } });
    cluster.holdVotesFrom(0);
    const puts = [cluster.files(0).put("a", "1"), cluster.files(0).put("a", "2")];
    const outcomes = Promise.allSettled(puts);
    await cluster.clock.pass(10_100);
    expect(await outcomes).toMatchObject([
      { status: "rejected", reason: { code: "quorum_unavailable" } },
      { status: "rejected", reason: { retryable: true } },
    ]);
  });

  it("a disk that refuses: nothing is acknowledged by this node any more, and its process is told", async () => {
    cluster = await SmallCluster.start();
    cluster.disks[0]?.fail("input/output error");
    await cluster.files(1).put("a", "1");
    await settle();
    expect(cluster.fatal.map((error) => error.code)).toEqual(["internal"]);
    const { vote } = await cluster.files(1).stat("a");
    expect(vote?.nodes).not.toContain(1);
  });

  it("close ends what is under way", async () => {
    cluster = await SmallCluster.start();
    cluster.holdVotesFrom(0);
    const outcome = Promise.allSettled([cluster.files(0).put("a", "1")]);
    await settle();
    await cluster.nodes[0]?.close();
    expect(await outcome).toMatchObject([{ status: "rejected" }]);
  });
});
