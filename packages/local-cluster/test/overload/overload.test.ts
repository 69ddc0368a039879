/** More is asked of DataNodes than they let in. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { ErrorCode, FileRequest, FileServiceService, type SessionResponse } from "@quorumfs/proto";
import { grpcNetwork } from "@quorumfs/rpc";
import { silentLog } from "@quorumfs/runtime";
import { type LocalCluster, startCluster } from "../../src/index.js";

let cluster: LocalCluster;

afterEach(() => cluster.close());

// Far more than any machine needs for a few hundred operations.
const timeoutMs = 300_000;
const limits = { operationsMax: 4, contentBytesMax: 64 * 1024 * 1024 };

describe("doors that let four in at a time", () => {
  test("two clients with hundreds of operations each: all is done, and no node is missed for a moment", async () => {
    cluster = await startCluster({ nodes: 3, dataNode: { limits } });
    const clients = [await cluster.client(), await cluster.client()];
    const states = new Set<string>();
    let watching = true;
    const watch = async (): Promise<void> => {
      while (watching) {
        for (const { state } of (await clients[0]?.nodes()) ?? []) states.add(state);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const watched = watch();
    await Promise.all(
      clients.flatMap((client, owner) =>
        Array.from({ length: 150 }, async (_, index) => {
          const name = `files/${owner}/${index}`;
          await client.put(name, name, { timeoutMs });
          expect(new TextDecoder().decode((await client.get(name, { timeoutMs })).content)).toBe(name);
        }),
      ),
    );
    watching = false;
    await watched;
    expect([...states]).toEqual(["up"]);
  });

  test("listings are refused like everything else, and come through", async () => {
    cluster = await startCluster({ nodes: 3, dataNode: { limits } });
    const client = await cluster.client();
    for (let index = 0; index < 20; index += 1) await client.put(`files/listed/${index}`, "x");
    const listings = Array.from({ length: 60 }, async () => {
      const paths: string[] = [];
      for await (const entry of client.list("files", { prefix: "listed/", pageSize: 7 })) paths.push(entry.path);
      return paths.length;
    });
    expect(new Set(await Promise.all(listings))).toEqual(new Set([20]));
  });
});

describe("a session that asks for thousands of things in one frame", () => {
  test("each is answered, those that are refused with a hint", async () => {
    cluster = await startCluster({ nodes: 3, dataNode: { limits } });
    const answers = await askAtOnce(cluster.nodes[0]?.address ?? "", 5000);
    const ids = new Set(answers.map(({ id }) => id));
    expect(ids.size).toBe(5000);
    const errors = answers.flatMap(({ result }) => (result?.$case === "error" ? [result.value] : []));
    const refused = errors.filter(({ code }) => code === ErrorCode.ERROR_CODE_RESOURCE_EXHAUSTED);
    expect(refused.length).toBeGreaterThan(4500);
    expect(refused.every(({ retryAfterMs }) => retryAfterMs >= 25)).toBe(true);
    // What was let in was done: there is no such file.
    const rest = errors.filter(({ code }) => code !== ErrorCode.ERROR_CODE_RESOURCE_EXHAUSTED);
    expect(new Set(rest.map(({ code }) => code))).toEqual(new Set([ErrorCode.ERROR_CODE_NOT_FOUND]));
  });
});

async function askAtOnce(address: string, count: number): Promise<SessionResponse["responses"]> {
  const channel = grpcNetwork({ log: silentLog }).connect({ address, purpose: "files", identity: new Map() });
  try {
    const stream = channel.duplex(FileServiceService.session, {});
    const requests = Array.from({ length: count }, (_, index): FileRequest => {
      const value = { bucket: "files", path: `missing-${index}`, consistency: 0 } as const;
      return FileRequest.fromPartial({ id: index + 1, timeoutMs: 5000, operation: { $case: "stat", value } });
    });
    return await new Promise((resolve, reject) => {
      const answers: SessionResponse["responses"] = [];
      stream.onEnd((error) => reject(error ?? new Error("the session ended")));
      stream.onMessage(({ responses }) => {
        answers.push(...responses);
        if (answers.length >= count) resolve(answers);
      });
      stream.write({ requests });
    });
  } finally {
    channel.close();
  }
}
