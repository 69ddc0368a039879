/** Disks that fill up: real ones, of some mebibytes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { smallVolume } from "../../../runtime/test/content/small-volume.js";
import { temporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { startCluster } from "../../src/index.js";
import { inPieces, mebibyte, same, sample } from "./sample.js";

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Volumes of this size at these places below a data directory; undefined where they cannot be had. */
async function directoryWith(volumes: readonly string[], bytes: number): Promise<string | undefined> {
  const directory = await temporaryDirectory("quorumfs-full-");
  cleanUp.push(() => directory.remove());
  for (const name of volumes) {
    const path = join(directory.path, name);
    mkdirSync(path, { recursive: true });
    const volume = smallVolume({ bytes, path });
    if (!volume) {
      console.warn("SKIPPED: full disks. This needs the right to mount a tmpfs.");
      return undefined;
    }
    cleanUp.push(() => volume.remove());
  }
  return directory.path;
}

describe("disk full", () => {
  test("of one DataNode: uploads succeed by the others, it tells that it is full, nothing is torn", async () => {
    const dataDir = await directoryWith(["datanode-1"], 64 * mebibyte);
    if (dataDir === undefined) return;
    const cluster = await startCluster({ nodes: 3, dataDir });
    cleanUp.push(() => cluster.close());
    const client = await cluster.client();
    const contents = Array.from({ length: 10 }, (_, index) => sample(9 * mebibyte + index, index));
    for (const [index, content] of contents.entries()) await client.put(`files/${index}`, content);
    for (const [index, content] of contents.entries()) {
      expect([index, same((await client.get(`files/${index}`)).content, content)]).toEqual([index, "same"]);
    }
    // What is too large for it may leave room for something smaller.
    let more = 0;
    await cluster.waitUntil("it tells that it is full", async () => {
      await client.put(`files/more-${(more += 1)}`, sample(100_000, more));
      return (await client.nodes()).some(({ id, load }) => id === 1 && load?.full === true);
    });
    expect(cluster.nodes.every(({ running }) => running)).toBe(true);
    const small = await client.put("files/small", "x");
    expect(small.acknowledged.length).toBeGreaterThanOrEqual(2);
  }, 120_000);

  test("of all, in mid-upload: refused, the old version stands, and after deletes there is room without a restart", async () => {
    const dataDir = await directoryWith(["."], 192 * mebibyte);
    if (dataDir === undefined) return;
    // Three nodes on one volume do not see what the others have let in: room for that is left.
    const cluster = await startCluster({ nodes: 3, dataDir, dataNode: { retireAfterMs: 1000, fullBelow: 0.3 } });
    cleanUp.push(() => cluster.close());
    const client = await cluster.client();
    const old = sample(5 * mebibyte, 1);
    await client.put("files/a", old);
    await client.put("files/b", sample(12 * mebibyte, 5));
    const huge = sample(96 * mebibyte, 2);
    const put = client.put("files/a", inPieces(huge, mebibyte), { timeoutMs: 5_000 });
    await expect(put).rejects.toMatchObject({ code: "resource_exhausted" });
    expect(same((await client.get("files/a")).content, old)).toBe("same");
    // What is too large may leave room for something smaller.
    let smalls = 0;
    const fill = async (): Promise<never> => {
      for (;;) {
        await client.put(`files/small-${smalls}`, sample(120_000, smalls), { timeoutMs: 4_000 });
        smalls += 1;
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: "resource_exhausted" });
    await expect(client.stat(`files/small-${smalls}`)).rejects.toMatchObject({ code: "not_found" });
    await client.delete("files/b");
    await expect(client.get("files/b")).rejects.toMatchObject({ code: "not_found" });
    expect(same((await client.get("files/a")).content, old)).toBe("same");
    const content = sample(6 * mebibyte, 4);
    // The same upload again and again: others would leave chunks behind, which take the room until their lease is over.
    const repeat = { requestId: "00112233445566778899aabbccddeeff", resume: true };
    await cluster.waitUntil(
      "there is room again",
      () =>
        client.put("files/c", content, { ...repeat, timeoutMs: 2_000 }).then(
          () => true,
          () => false,
        ),
      120_000,
    );
    expect(same((await client.get("files/c")).content, content)).toBe("same");
    expect(cluster.nodes.every(({ running, failure }) => running && !failure)).toBe(true);
  }, 180_000);
});
