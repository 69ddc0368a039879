import { afterEach, describe, expect, it } from "@jest/globals";
import { CopyState, FileServiceService, Verdict } from "@quorumfs/proto";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

function explain(path: string, index = 0, bucket = "files") {
  const { channel } = cluster.files(index);
  return channel.unary(FileServiceService.explain, { bucket, path }, { timeoutMs: 10_000 });
}

describe("explain (N=3 R=2 W=2)", () => {
  it("a file: what all replicas have, from whichever node it is asked", async () => {
    cluster = await SmallCluster.start();
    const { file } = await cluster.files(0).put("a", "one");
    await settle();
    for (const index of [0, 1, 2]) {
      const told = await explain("a", index);
      expect(told).toMatchObject({
        verdict: Verdict.VERDICT_FOUND,
        coordinator: index + 1,
        replicas: 3,
        readQuorum: 2,
        writeQuorum: 2,
        promiseQuorum: 2,
        joint: false,
        version: { version: file?.version, size: 3, deleted: false, chunks: 0 },
        chunkHolders: [],
      });
      expect(told.votes.map(({ node }) => node).sort()).toEqual([1, 2, 3]);
      for (const vote of told.votes) {
        expect(vote).toMatchObject({
          counted: true,
          current: true,
          joining: false,
          failure: "",
          copy: { state: CopyState.COPY_STATE_GOOD, version: file?.version, size: 3 },
        });
        expect(vote.address).toBe(cluster.nodes[vote.node - 1]?.address);
      }
    }
  });

  it("changes nothing: the same answer again, and the next write needs no new promise", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "one");
    await settle();
    const first = await explain("a");
    expect(await explain("a")).toEqual(first);
    // With the promise that came with the votes, the write begins with the ACCEPT: its version is the next one.
    const { file } = await cluster.files(0).put("a", "two");
    expect(file?.version).toBe((first.version?.version ?? 0) + 1);
  });

  it("no such file, a deleted one, no such bucket", async () => {
    cluster = await SmallCluster.start();
    expect(await explain("none")).toMatchObject({ verdict: Verdict.VERDICT_ABSENT, version: undefined });
    await cluster.files(0).put("a", "one");
    await cluster.files(0).delete("a");
    await settle();
    expect(await explain("a")).toMatchObject({ verdict: Verdict.VERDICT_ABSENT, version: { deleted: true } });
    await expect(explain("a", 0, "other")).rejects.toMatchObject({ code: "not_found" });
    await expect(explain("../a")).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("one node away: found, and said who did not answer and why", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "one");
    await cluster.nodes[2]?.close();
    await settle();
    const told = await explain("a");
    expect(told.verdict).toBe(Verdict.VERDICT_FOUND);
    const vote = told.votes.find(({ node }) => node === 3);
    expect(vote).toMatchObject({ counted: false, copy: undefined });
    expect(vote?.failure).not.toBe("");
    expect(told.readNeeds).toContain("none of them may be away");
  });

  it("two nodes away: no quorum is no error, but the verdict", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "one");
    await cluster.nodes[1]?.close();
    await cluster.nodes[2]?.close();
    await settle();
    const told = await explain("a");
    expect(told).toMatchObject({ verdict: Verdict.VERDICT_NO_QUORUM, version: undefined });
    expect(told.reasons.at(-1)).toBe("So a read fails: it needs 2 answers and gets 1.");
  });

  it("a write that stopped halfway is unsettled, and stays so", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "one");
    await settle();
    // The next ACCEPT reaches its own replica only.
    cluster.holdVotesFrom(0);
    const lost = expect(cluster.files(0).put("a", "two")).rejects.toMatchObject({ code: "unknown_outcome" });
    await settle();
    for (let asked = 0; asked < 2; asked += 1) {
      const told = await explain("a", 1);
      expect(told.verdict).toBe(Verdict.VERDICT_UNSETTLED);
      expect(told.votes.filter(({ copy }) => copy?.version === told.version?.version)).toHaveLength(1);
    }
    await cluster.clock.pass(15_000);
    await lost;
  });

  it("no more at once than people can look at", async () => {
    cluster = await SmallCluster.start();
    await settle();
    cluster.network.gate = ({ path }) => !path.endsWith("/Inspect");
    const asking = Array.from({ length: 20 }, () =>
      explain("a").then(
        () => "told",
        (error: unknown) => error,
      ),
    );
    await settle();
    cluster.network.release();
    const ends = await Promise.all(asking);
    expect(ends.filter((end) => end === "told")).toHaveLength(16);
    expect(ends.find((end) => end !== "told")).toMatchObject({
      code: "resource_exhausted",
      details: { retryAfterMs: 200 },
    });
  });
});
