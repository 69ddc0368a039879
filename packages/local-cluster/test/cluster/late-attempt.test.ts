import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { FileServiceService, PutRequest } from "@quorumfs/proto";
import { grpcNetwork } from "@quorumfs/rpc";
import { silentLog } from "@quorumfs/runtime";
import { startCluster } from "../../src/index.js";

describe("a first attempt that comes late", () => {
  test("is not applied once more after the second one and many others", async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const client = await cluster.client();
    const network = grpcNetwork({ log: silentLog });
    const channels = cluster.nodes.map(({ address }) =>
      network.connect({ address, purpose: "files", identity: new Map() }),
    );
    const put = async (options: { node: number; content: string; requestId?: Uint8Array; mayHaveRun?: boolean }) => {
      const { node, content, requestId = randomBytes(16), mayHaveRun = false } = options;
      const request = PutRequest.fromPartial({
        bucket: "files",
        path: "late",
        content: Buffer.from(content),
        mutation: { requestId, mayHaveRun, mayBeRepeated: true, seenVersion: before.file.version },
      });
      const response = await channels[node - 1]?.unary(FileServiceService.put, request, { timeoutMs: 20_000 });
      return response?.file?.version;
    };
    const settled = (attempt: Promise<unknown>) =>
      attempt.then(
        () => "done",
        (error: unknown) => QuorumError.from(error).code,
      );

    const before = await client.put("files/late", "first");
    cluster.partition([1], [2, 3]);
    // These keep DataNode 1 busy with the file, while nobody hears it.
    const busy = Array.from({ length: 4 }, (_, index) => settled(put({ node: 1, content: `busy ${index}` })));
    const requestId = randomBytes(16);
    const firstAttempt = settled(put({ node: 1, content: "twice", requestId }));
    await put({ node: 2, content: "twice", requestId, mayHaveRun: true });
    for (let index = 0; index < 12; index += 1) await client.put("files/late", `later ${index}`);
    cluster.heal();

    expect(await firstAttempt).not.toBe("done");
    await Promise.all(busy);
    const { content } = await client.get("files/late");
    expect(new TextDecoder().decode(content)).not.toBe("twice");
    for (const channel of channels) channel.close();
  });

  test("a client that knows nothing of a file with a long history writes it all the same", async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const client = await cluster.client();
    for (let index = 0; index < 12; index += 1) await client.put("files/old", String(index));
    const stranger = await cluster.client();
    const put = await stranger.put("files/old", "new");
    expect(put.file.version).toBeGreaterThan(12);
    expect((await stranger.delete("files/old")).version).toBeGreaterThan(put.file.version);
  });
});
