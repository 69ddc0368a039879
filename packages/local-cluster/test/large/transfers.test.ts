/** Uploads and downloads while nodes die, stall, and files are overwritten. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type Fault, type LocalCluster, startCluster } from "../../src/index.js";
import { inPieces, mebibyte, readAll, same, sample } from "./sample.js";

let cluster: LocalCluster;
let client: QuorumFs;

beforeEach(async () => {
  cluster = await startCluster({ nodes: 4, replicas: 3 });
  client = await cluster.client();
});

afterEach(() => cluster.close());

const name = "files/large";

/** Content that goes on only when `allowed` says so. */
async function* heldBack(content: Uint8Array, at: number, allowed: Promise<unknown>): AsyncGenerator<Uint8Array> {
  yield* inPieces(content.subarray(0, at), 256 * 1024);
  await allowed;
  yield* inPieces(content.subarray(at), 256 * 1024);
}

describe("upload", () => {
  test.each([1, 4])("DataNode %d is killed half-way: nothing fails", async (victim) => {
    const content = sample(24 * mebibyte, victim);
    const killed = signal();
    const put = client.put(name, heldBack(content, 10 * mebibyte, killed.promise), {
      onProgress: ({ bytes }) => {
        if (bytes >= 4 * mebibyte) killed.resolve(cluster.kill(victim));
      },
    });
    await put;
    expect(same((await client.get(name)).content, content)).toBe("same");
    expect(cluster.nodes[victim - 1]?.running).toBe(false);
  });

  test("a replica stalls in mid-chunk, its connections up: it is left behind", async () => {
    const content = sample(24 * mebibyte, 5);
    const stalled = signal();
    let fault: Fault | undefined;
    await client.put(name, heldBack(content, 10 * mebibyte, stalled.promise), {
      onProgress: ({ bytes }) => {
        if (bytes < 4 * mebibyte) return;
        fault ??= cluster.dropMessages({ from: "client", to: 2, fraction: 1 });
        stalled.resolve(undefined);
      },
    });
    expect(fault?.hits).toBeGreaterThan(0);
    expect(same((await client.get(name)).content, content)).toBe("same");
    cluster.heal();
  });

  test("two of three replicas are gone: it fails, and the old version stands", async () => {
    await using small = await startCluster({ nodes: 3 });
    const other = await small.client();
    const old = sample(5 * mebibyte, 6);
    await other.put(name, old);
    const gone = signal();
    const put = other.put(name, heldBack(sample(24 * mebibyte, 7), 10 * mebibyte, gone.promise), {
      timeoutMs: 3_000,
      onProgress: ({ bytes }) => {
        if (bytes >= 4 * mebibyte) gone.resolve(Promise.all([small.kill(2), small.kill(3)]));
      },
    });
    await expect(put).rejects.toMatchObject({ code: expect.stringMatching(/unavailable$/) });
    await small.restart(2);
    await small.ready();
    expect(same((await other.get(name)).content, old)).toBe("same");
  });

  test("given up half-way: the old version stands, and its chunks are uploads of nobody", async () => {
    const old = sample(mebibyte, 8);
    await client.put(name, old);
    const abort = new AbortController();
    const held = signal();
    const put = client.put(name, heldBack(sample(24 * mebibyte, 9), 10 * mebibyte, held.promise), {
      signal: abort.signal,
      onProgress: ({ bytes }) => {
        if (bytes >= 4 * mebibyte) abort.abort();
      },
    });
    await expect(put).rejects.toMatchObject({ code: "cancelled" });
    held.resolve(undefined);
    expect(same((await client.get(name)).content, old)).toBe("same");
    await cluster.waitUntil("the nodes tell of an upload that nobody has named", async () =>
      (await client.nodes()).some(({ load }) => (load?.uploadingBytes ?? 0) > 0),
    );
  });

  test("interrupted, then resumed: what is durable is not sent again", async () => {
    const content = sample(24 * mebibyte, 10);
    const abort = new AbortController();
    const held = signal();
    const put = client.put(name, heldBack(content, 20 * mebibyte, held.promise), {
      requestId: "00112233445566778899aabbccddeeff",
      signal: abort.signal,
      onProgress: ({ bytes }) => {
        if (bytes >= 12 * mebibyte) abort.abort();
      },
    });
    await expect(put).rejects.toMatchObject({ code: "cancelled" });
    held.resolve(undefined);
    let resumedBytes = 0;
    const again = await client.put(name, content, {
      requestId: "00112233445566778899aabbccddeeff",
      resume: true,
      onProgress: (progress) => (resumedBytes = progress.resumedBytes),
    });
    expect(again.file.size).toBe(content.length);
    expect(resumedBytes).toBeGreaterThanOrEqual(12 * mebibyte);
    expect(same((await client.get(name)).content, content)).toBe("same");
  });
});

describe("download", () => {
  test("two of one file, while it is overwritten and then deleted: each has one whole version", async () => {
    const [first, second] = [sample(24 * mebibyte, 11), sample(23 * mebibyte, 12)];
    await client.put(name, first);
    const early = await begun(client, name);
    await client.put(name, second);
    const late = await begun(client, name);
    await client.delete(name);
    const [a, b] = await Promise.all([early.rest(), late.rest()]);
    expect(same(a, first)).toBe("same");
    expect(same(b, second)).toBe("same");
    await expect(client.get(name)).rejects.toMatchObject({ code: "not_found" });
  });

  test("overwritten again and again while it is read: no reader ever sees a mixture", async () => {
    const versions = [1, 2, 3].map((fill) => Buffer.alloc(6 * mebibyte + fill, fill));
    await client.put(name, versions[0] ?? "");
    let writing = true;
    let reads = 0;
    const readers = [client, await cluster.client()].map(async (reader) => {
      while (writing || reads < 4) {
        const { content } = await reader.get(name);
        const fill = content[0] ?? 0;
        expect(same(content, versions[fill - 1] ?? Buffer.alloc(0))).toBe("same");
        reads += 1;
      }
    });
    for (let round = 0; round < 12; round += 1) await client.put(name, versions[round % 3] ?? "");
    writing = false;
    await Promise.all(readers);
    expect(reads).toBeGreaterThanOrEqual(4);
  });

  test.each([2, 3])("DataNode %d is killed in mid-file: the reader does not notice", async (victim) => {
    const content = sample(24 * mebibyte, 20 + victim);
    await client.put(name, content);
    const reading = await begun(client, name);
    await cluster.kill(victim);
    expect(same(await reading.rest(), content)).toBe("same");
  });

  test("two of three replicas stall in mid-file: the third goes on", async () => {
    const content = sample(24 * mebibyte, 30);
    await client.put(name, content);
    const reading = await begun(client, name);
    // Several chunks are read at a time, from whoever has least to do: one of these is asked for some of what is left.
    const faults = [2, 3].map((from) => cluster.dropMessages({ from, to: "client", fraction: 1 }));
    expect(same(await reading.rest(), content)).toBe("same");
    expect(faults.reduce((hits, fault) => hits + fault.hits, 0)).toBeGreaterThan(0);
  });

  test("a reader that stops: others go on, and it goes on where it was", async () => {
    const content = sample(24 * mebibyte, 31);
    await client.put(name, content);
    const idle = await Promise.all(Array.from({ length: 20 }, () => begun(client, name)));
    const other = await cluster.client();
    expect(same((await other.get(name)).content, content)).toBe("same");
    const rest = await idle[0]?.rest();
    expect(same(rest ?? Buffer.alloc(0), content)).toBe("same");
    await Promise.all(idle.slice(1).map((one) => one.cancel()));
  });
});

/** A download of which the first bytes are there. */
async function begun(reader: QuorumFs, file: string): Promise<{ rest(): Promise<Buffer>; cancel(): Promise<unknown> }> {
  const { body } = await reader.read(file);
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) throw new Error("the file is empty");
  return {
    rest: async () => Buffer.concat([first.value, await readAll({ [Symbol.asyncIterator]: () => pieces })]),
    cancel: async () => pieces.return?.(),
  };
}

function signal(): { readonly promise: Promise<unknown>; resolve(value: unknown): void } {
  let resolve: (value: unknown) => void = () => undefined;
  const promise = new Promise<unknown>((onResolve) => (resolve = onResolve));
  return { promise, resolve };
}
