import { afterEach, describe, expect, it } from "@jest/globals";
import type { QuorumFs } from "../../src/index.js";
import { FakeCluster, sha256 } from "../fakes/fake-cluster.js";
import { FakeFiles } from "../fakes/fake-files.js";
import { inPieces, pattern } from "../fakes/pattern.js";

const mebibyte = 1024 * 1024;

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function open(): Promise<{ cluster: FakeCluster; files: FakeFiles; fs: QuorumFs }> {
  const cluster = new FakeCluster();
  const files = new FakeFiles();
  cluster.react = files.react;
  client = await cluster.connect();
  return { cluster, files, fs: client };
}

describe("transfer", () => {
  it("what was put comes back", async () => {
    const { cluster, fs } = await open();
    const content = pattern(30 * mebibyte + 12_345);
    const { file } = await cluster.clock.settle(fs.put("files/x", content));
    expect(file.size).toBe(content.length);
    expect(file.etag).toBe(sha256(content).toString("hex"));
    const got = await cluster.clock.settle(fs.get("files/x"));
    expect(Buffer.compare(got.content, content)).toBe(0);
  });

  it("a stream of unknown length", async () => {
    const { cluster, fs } = await open();
    const content = pattern(9 * mebibyte + 1);
    await cluster.clock.settle(fs.put("files/x", inPieces(content, 65_000)));
    const { content: got } = await cluster.clock.settle(fs.get("files/x"));
    expect(Buffer.compare(got, content)).toBe(0);
  });
});
