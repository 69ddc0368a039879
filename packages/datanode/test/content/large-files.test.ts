import { afterEach, describe, expect, test } from "@jest/globals";
import { type Extent, firstPageIndex, inlineBytesMax } from "@quorumfs/core";
import { FileServiceService } from "@quorumfs/proto";
import { encodeManifest } from "@quorumfs/runtime";
import { SmallCluster } from "../support/small-cluster.js";
import { extentOf, noise, sha256, upload } from "./fixture.js";
import { LargeClient, type PutLarge } from "./large-client.js";

let cluster: SmallCluster;
let client: LargeClient;
afterEach(() => cluster.close());

async function start(options: Parameters<typeof SmallCluster.start>[0] = {}): Promise<void> {
  cluster = await SmallCluster.start(options);
  client = new LargeClient(cluster);
}

const bytes = noise(inlineBytesMax + 70_000, 1);
const more = noise(100_000, 2);
const ifVersion = (value: number) => ({ $case: "ifVersion", value }) as const;

describe("files of chunks (N=3 R=2 W=2)", () => {
  test("put, then read through each node; stat and list tell of the whole", async () => {
    await start();
    const { file, vote } = await client.write("a", 1, bytes, { attributes: new Map([["k", "v"]]) });
    expect(file).toMatchObject({ path: "a", size: bytes.length });
    expect(vote?.nodes.length).toBeGreaterThanOrEqual(2);
    for (const through of [0, 1, 2]) {
      const got = await client.get("a", { through });
      expect(got.file).toMatchObject({ version: file?.version, size: bytes.length });
      expect(Buffer.from(got.file?.etag ?? []).equals(sha256(bytes))).toBe(true);
      expect(got.content).toHaveLength(0);
      expect((await client.read("a", { through })).equals(bytes)).toBe(true);
    }
    expect((await cluster.files(1).stat("a")).file).toMatchObject({ size: bytes.length });
    expect((await cluster.files(1).list()).files).toMatchObject([{ path: "a", size: bytes.length }]);
  });

  test("get by who does not read chunks: refused, saying what to do", async () => {
    await start();
    await client.write("a", 1, bytes);
    await expect(client.get("a", { acceptManifest: false })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("accept_manifest"),
    });
  });

  test("small again, then large again: each time the whole", async () => {
    await start();
    await client.write("a", 1, bytes);
    await cluster.files(1).put("a", "small");
    expect(Buffer.from((await client.get("a")).content).toString()).toBe("small");
    await client.write("a", 2, bytes, { through: 2 });
    expect((await client.read("a", { through: 1 })).equals(bytes)).toBe(true);
  });

  test("one node away: written and read all the same", async () => {
    await start();
    await cluster.nodes[2]?.close();
    const extent = await client.upload("a", 1, bytes, { to: () => [0, 1] });
    await client.put("a", 1, { extents: [extent] }, { bytes });
    expect((await client.read("a", { through: 1 })).equals(bytes)).toBe(true);
  });
});

describe("a manifest that names what is not durable (N=3 R=2 W=2)", () => {
  /** The put is refused without effect, and the chunks once sent, it succeeds. */
  async function expectRefusedUntilSent(extent: Extent): Promise<void> {
    await cluster.files(0).put("a", "before");
    await expect(client.put("a", 1, { extents: [extent] }, { bytes })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`of upload ${"01".repeat(16)}`),
    });
    expect(Buffer.from((await client.get("a")).content).toString()).toBe("before");
    await client.write("a", 1, bytes);
    expect((await client.read("a")).equals(bytes)).toBe(true);
  }

  test("no chunk at all", async () => {
    await start();
    await expectRefusedUntilSent(extentOf(1, bytes));
  });

  test("W-1 copies of one chunk", async () => {
    await start();
    await expectRefusedUntilSent(
      await client.upload("a", 1, bytes, { to: (index) => (index === 2 ? [1] : [0, 1, 2]) }),
    );
  });

  test("chunks of another file", async () => {
    await start();
    await expectRefusedUntilSent(await client.upload("b", 1, bytes));
  });

  test("another checksum than was stored: refused, however often", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    const checksums = extent.checksums.map((checksum, index) => (index === 1 ? checksum + 1 : checksum));
    const put = () => client.put("a", 1, { extents: [{ ...extent, checksums }] }, { bytes });
    await expect(put()).rejects.toMatchObject({ code: "unavailable", details: { got: 0, needed: 2 } });
    await expect(put()).rejects.toMatchObject({ code: "unavailable" });
    await expect(client.get("a")).rejects.toMatchObject({ code: "not_found" });
  });

  test("another size than was stored", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    const longer = { ...extent, lastBytes: extent.lastBytes + 1 };
    await expect(client.put("a", 1, { extents: [longer] })).rejects.toMatchObject({ code: "unavailable" });
  });

  test("replicas that do not answer: unavailable at the deadline, and not before W have been asked in vain", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    cluster.network.gate = ({ path, from }) => from === "" || !path.endsWith("/StatChunks");
    const putting = client.put("a", 1, { extents: [extent] }, { bytes });
    const outcome = expect(putting).rejects.toMatchObject({ code: "unavailable" });
    await cluster.clock.pass(11_000);
    await outcome;
  });
});

describe("a manifest that makes no sense: invalid_argument, and no effect", () => {
  const good = extentOf(1, bytes);
  const whole = { extents: [good], hashState: new Uint8Array(0) };
  const request = (change: object) => ({
    bucket: "files",
    path: "a",
    content: new Uint8Array(0),
    manifest: encodeManifest(whole),
    size: bytes.length,
    etag: new Uint8Array(32),
    attributes: new Map<string, string>(),
    mutation: {
      requestId: upload(1),
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      condition: undefined,
    },
    ...change,
  });
  const damaged = Uint8Array.from(encodeManifest(whole));
  damaged[9] = (damaged[9] ?? 0) ^ 1;
  const mutation = request({}).mutation;

  const cases: readonly (readonly [string, object])[] = [
    ["damaged on the way", { manifest: damaged }],
    ["cut", { manifest: encodeManifest(whole).subarray(0, 3) }],
    ["of another size than the file", { size: bytes.length + 1 }],
    ["above 1 MiB", { manifest: new Uint8Array(2 ** 20 + 1) }],
    [
      "of a file that fits into its record",
      { manifest: encodeManifest({ ...whole, extents: [extentOf(1, more)] }), size: 1000 },
    ],
    ["without extents", { manifest: encodeManifest({ ...whole, extents: [] }) }],
    ["with content beside it", { content: new Uint8Array(1) }],
    ["without the SHA-256 of the file", { etag: new Uint8Array(0) }],
    ["without a request id", { mutation: { ...mutation, requestId: new Uint8Array(0) } }],
    ["of an upload with another id", { mutation: { ...mutation, requestId: upload(2) } }],
    ["with 17 attributes", { attributes: new Map(Array.from({ length: 17 }, (_, index) => [`${index}`, ""])) }],
  ];
  test.each(cases)("%s", async (_name, change) => {
    await start();
    await client.upload("a", 1, bytes);
    const { channel } = cluster.files(0);
    const putting = channel.unary(FileServiceService.put, request(change), { timeoutMs: 1000 });
    await expect(putting).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(client.get("a")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("appending (N=3 R=2 W=2)", () => {
  let base: Extent;
  let version: number;

  async function startWithFile(): Promise<void> {
    await start();
    base = await client.upload("a", 1, bytes);
    version = (await client.put("a", 1, { extents: [base] }, { bytes })).file?.version ?? 0;
  }

  function append(taken: Extent, options: PutLarge & { readonly on?: number } = {}): Promise<unknown> {
    const { on = version, ...rest } = options;
    return client
      .upload("a", 2, more)
      .then((own) => client.put("a", 2, { extents: [taken, own] }, { condition: ifVersion(on), ...rest }));
  }

  test("takes over the chunks of the version that it builds on", async () => {
    await startWithFile();
    await append(base, { through: 1 });
    expect((await client.read("a", { through: 2 })).equals(Buffer.concat([bytes, more]))).toBe(true);
  });

  test("twice, each on the version before", async () => {
    await startWithFile();
    await append(base);
    const { file } = await client.get("a");
    const own = extentOf(2, more);
    const third = await client.upload("a", 3, more);
    await client.put("a", 3, { extents: [base, own, third] }, { condition: ifVersion(file?.version ?? 0) });
    expect((await client.read("a")).equals(Buffer.concat([bytes, more, more]))).toBe(true);
  });

  test("on a version that was overtaken: precondition failed, telling the present one", async () => {
    await startWithFile();
    const { file } = await cluster.files(0).put("a", "overwritten");
    await expect(append(base)).rejects.toMatchObject({
      code: "precondition_failed",
      details: { currentVersion: file?.version },
    });
  });

  test("on a version that was overtaken, before anything was sent: told so, and not to send it", async () => {
    await startWithFile();
    await cluster.files(0).put("a", "overwritten");
    const unsent = extentOf(2, more);
    const condition = ifVersion(version);
    await expect(client.put("a", 2, { extents: [base, unsent] }, { condition })).rejects.toMatchObject({
      code: "precondition_failed",
    });
  });

  test("on a file that was deleted, or never was: precondition failed", async () => {
    await startWithFile();
    await expect(append(base, { on: version + 7 })).rejects.toMatchObject({
      code: "precondition_failed",
      details: { currentVersion: version },
    });
    await cluster.files(0).delete("a");
    await expect(append(base)).rejects.toMatchObject({ code: "precondition_failed", details: { currentVersion: 0 } });
  });

  test("extents that are not in that version: invalid, whoever has such chunks", async () => {
    await startWithFile();
    const foreign = await client.upload("a", 7, bytes);
    await expect(append(foreign)).rejects.toMatchObject({ code: "invalid_argument" });
    const altered = { ...base, checksums: base.checksums.map((checksum, index) => (index === 0 ? 1 : checksum)) };
    await expect(append(altered)).rejects.toMatchObject({ code: "invalid_argument" });
    expect((await client.read("a")).equals(bytes)).toBe(true);
  });

  test("onto a small file: its bytes are in no chunk, so that none can be taken over", async () => {
    await start();
    const { file } = await cluster.files(0).put("a", "small");
    version = file?.version ?? 0;
    const foreign = await client.upload("a", 1, bytes);
    await expect(append(foreign)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("manifests in pages (N=3 R=2 W=2)", () => {
  /** Uploads the file and a manifest of it in pages, and puts that. */
  async function putPaged(inner: Uint8Array, pagesTo?: readonly number[]): Promise<unknown> {
    await client.upload("a", 1, bytes);
    const pages = { ...extentOf(1, inner, 100), first: firstPageIndex };
    const sent = { chunkBytes: 100, first: firstPageIndex, ...(pagesTo && { to: () => pagesTo }) };
    await client.upload("a", 1, inner, sent);
    return client.put("a", 1, { pages }, { size: bytes.length, bytes });
  }
  const extents = [extentOf(1, bytes)];
  const hashState = new Uint8Array(100);

  test("are read, and what they name is made sure of", async () => {
    await start();
    await putPaged(encodeManifest({ extents, hashState }));
    const { manifest, file } = await client.get("a");
    expect(manifest.length).toBeGreaterThan(0);
    expect(file).toMatchObject({ size: bytes.length });
  });

  test.each([0, 1])("pages on %d nodes: unavailable", async (copies) => {
    await start();
    const inner = encodeManifest({ extents, hashState });
    await expect(putPaged(inner, [1].slice(0, copies))).rejects.toMatchObject({ code: "unavailable" });
  });

  test("pages that name chunks that are not durable: unavailable", async () => {
    await start();
    const absent = [{ ...extentOf(1, bytes), first: 50 }];
    await expect(putPaged(encodeManifest({ extents: absent, hashState }))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("chunk 50"),
    });
  });

  const nonsense: readonly (readonly [string, Uint8Array])[] = [
    ["pages that are no manifest", noise(300, 5)],
    ["pages of another size than the file", encodeManifest({ extents: [extentOf(1, more)], hashState })],
    ["pages of another upload's chunks", encodeManifest({ extents: [{ ...extentOf(2, bytes) }], hashState })],
    [
      "pages that have pages",
      encodeManifest({ extents: [], pages: { ...extentOf(1, bytes), first: firstPageIndex }, hashState }),
    ],
  ];
  test.each(nonsense)("%s: invalid", async (_name, inner) => {
    await start();
    await expect(putPaged(inner)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
