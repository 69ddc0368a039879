/**
 * Random histories of one file: written, appended to, overwritten, deleted, uploads left behind, while notices are lost,
 * coordinators die over their votes, and nodes start anew. After each step the file is what it was made last, whole. In the end, when all is well again and time has
 * passed, every node holds the chunks of the last version, and no others.
 */
import { afterEach, describe, expect, test } from "@jest/globals";
import { type Extent, inlineBytesMax, QuorumError } from "@quorumfs/core";
import type { PutResponse } from "@quorumfs/proto";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";
import { noise, sha256 } from "./fixture.js";
import { LargeClient, type PutLarge } from "./large-client.js";

const leaseMs = 20_000;
const config = { uploadLeaseMs: leaseMs, retireAfterMs: 1000 };
const stepsPerHistory = 20;
const chunkBytes = 50_000;
const pieceBytes = inlineBytesMax + 10_000;
const chunksPerUpload = Math.ceil(pieceBytes / chunkBytes);
const runSeed = Math.floor(Math.random() * 2 ** 31);

let cluster: SmallCluster;
afterEach(() => cluster.close());

interface Pending {
  readonly content: Buffer;
  readonly extent: Extent;
}

class History {
  readonly #client: LargeClient;
  #state: number;
  #uploads = 0;
  /** What the file should be. */
  #content: Buffer | undefined;
  #version = 0;
  /** The highest version that this client knows of. */
  #seen = 0;
  #extents: readonly Extent[] = [];
  /** What it may become yet: of puts whose coordinators died over them. */
  #pending: readonly Pending[] = [];

  constructor(client: LargeClient, seed: number) {
    this.#client = client;
    this.#state = seed;
  }

  #draw(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }

  async step(): Promise<string> {
    const through = this.#draw(3);
    switch (this.#draw(11)) {
      case 0:
      case 1:
        await this.#write(through);
        return "write";
      case 2:
      case 3:
        await this.#append(through);
        return "append";
      case 4: {
        const { file } = await passing(cluster.files(through).put("a", "small"));
        this.#made(Buffer.from("small"), file?.version, []);
        return "small";
      }
      case 5:
        if (!this.#content) return "nothing to delete";
        await passing(cluster.files(through).delete("a"));
        this.#made(undefined, 0, []);
        return "delete";
      case 6:
        await this.#upload();
        return "upload left behind";
      case 7: {
        // Some notices get through and some do not.
        const lost = this.#draw(3);
        cluster.network.gate = ({ path, to }) => !path.endsWith("/KeepChunks") || to !== cluster.nodes[lost]?.address;
        return `notices to ${lost} lost`;
      }
      case 8:
      case 9:
        await this.#dieOverWrite(through);
        return `coordinator ${through} dies over a write`;
      default: {
        const node = this.#draw(3);
        await restart(node);
        await cluster.clock.pass(this.#draw(3) * 5000);
        return `restart ${node}`;
      }
    }
  }

  async #upload(): Promise<{ readonly number: number; readonly bytes: Uint8Array; readonly extent: Extent }> {
    const number = (this.#uploads += 1);
    const bytes = noise(pieceBytes, number);
    // Two of three get it now, the third has to fetch it.
    const spared = this.#draw(4);
    const to = [0, 1, 2].filter((node) => node !== spared);
    const extent = await passing(this.#client.upload("a", number, bytes, { chunkBytes, to: () => to }));
    return { number, bytes, extent };
  }

  async #write(through: number): Promise<void> {
    const { number, bytes, extent } = await this.#upload();
    const { file } = await passing(this.#put(number, [extent], { bytes, through }));
    this.#made(Buffer.from(bytes), file?.version, [extent]);
  }

  /** As the library does it: who is told that nothing proves this to be the first attempt knows by then from where on. */
  async #put(number: number, extents: readonly Extent[], more: PutLarge): Promise<PutResponse> {
    try {
      return await this.#client.put("a", number, { extents }, { ...more, seenVersion: this.#seen });
    } catch (thrown) {
      const { currentVersion } = QuorumError.from(thrown).details;
      if (QuorumError.from(thrown).code !== "unavailable" || currentVersion === undefined) throw thrown;
      return await this.#client.put("a", number, { extents }, { ...more, seenVersion: currentVersion });
    }
  }

  /** Some of its votes leave, and then it is gone. */
  async #dieOverWrite(through: number): Promise<void> {
    const { number, bytes, extent } = await this.#upload();
    const from = String(cluster.nodes[through]?.nodeId);
    const others = cluster.nodes.filter((_, node) => node !== through).map(({ address }) => address);
    // Promises from both, mostly; then an ACCEPT to one, or to none.
    const framesLeft = new Map(others.map((address) => [address, 1 + this.#draw(2)]));
    cluster.network.gate = (message) => {
      if (message.from !== from || !message.path.endsWith("/Exchange")) return true;
      const left = framesLeft.get(message.to) ?? 0;
      framesLeft.set(message.to, left - 1);
      return left > 0;
    };
    const putting = this.#client
      .put("a", number, { extents: [extent] }, { bytes, through, seenVersion: this.#seen })
      .then(({ file }) => file?.version)
      .catch(() => undefined);
    await settle();
    await cluster.nodes[through]?.close();
    cluster.network.gate = () => true;
    await restart(through);
    const version = await passing(putting);
    if (version !== undefined) this.#made(Buffer.from(bytes), version, [extent]);
    else this.#pending = [...this.#pending, { content: Buffer.from(bytes), extent }];
  }

  async #append(through: number): Promise<void> {
    if (this.#extents.length === 0 || !this.#content) return;
    const { number, bytes, extent } = await this.#upload();
    const extents = [...this.#extents, extent];
    const condition = { $case: "ifVersion", value: this.#version } as const;
    try {
      const { file } = await passing(this.#put(number, extents, { condition, through }));
      this.#made(Buffer.concat([this.#content, bytes]), file?.version, extents);
    } catch (error) {
      // What was pending has come to pass, and was the newer version.
      if (this.#pending.length === 0 || QuorumError.from(error).code !== "precondition_failed") throw error;
    }
  }

  #made(content: Buffer | undefined, version: number | undefined, extents: readonly Extent[]): void {
    this.#content = content;
    this.#version = version ?? 0;
    this.#seen = Math.max(this.#seen, this.#version);
    this.#extents = extents;
    this.#pending = [];
  }

  async check(): Promise<void> {
    const through = this.#draw(3);
    const found = await passing(this.#client.get("a", { through })).catch((thrown: unknown) =>
      QuorumError.from(thrown),
    );
    const file = found instanceof QuorumError ? undefined : found.file;
    const happened = this.#pendingWith(file?.etag);
    if (happened) this.#made(happened.content, file?.version, [happened.extent]);
    if (!this.#content) {
      expect(found instanceof QuorumError ? found.code : "found").toBe("not_found");
      return;
    }
    // Nodes catch up with each other by themselves: what is pending may come to pass at any moment, also behind the first look.
    const content = await this.#read(through);
    const isPending = this.#pending.some((pending) => pending.content.equals(content));
    if (!isPending) expect(this.#content.equals(content)).toBe(true);
  }

  async #read(through: number): Promise<Uint8Array> {
    const { manifest, content } = await passing(this.#client.get("a", { through }));
    return manifest.length === 0 ? content : passing(this.#client.read("a", { through }));
  }

  #pendingWith(etag: Uint8Array | undefined): Pending | undefined {
    return etag && this.#pending.find(({ content }) => Buffer.from(etag).equals(sha256(content)));
  }

  /** When all is well, each node holds what the file is made of, and nothing else. */
  async checkHeld(): Promise<void> {
    const named = new Set(this.#extents.map(({ upload }) => upload[0]));
    for (let number = 1; number <= this.#uploads; number += 1) {
      const expected = named.has(number) ? Array.from({ length: chunksPerUpload }, (_, index) => index) : [];
      for (const node of cluster.nodes.keys()) {
        const held = await this.#client.held(node, "a", number, chunksPerUpload);
        expect({ number, node, held }).toEqual({ number, node, held: expected });
      }
    }
  }
}

async function restart(index: number): Promise<void> {
  const disk = cluster.disks[index];
  await cluster.nodes[index]?.close();
  if (disk) await cluster.startNode(index, disk);
}

async function passing<Result>(operation: Promise<Result>): Promise<Result> {
  let ended = false;
  const end = () => (ended = true);
  operation.then(end, end);
  while (!ended) await cluster.clock.pass(10);
  return operation;
}

describe("random histories of a large file (N=3 R=2 W=2)", () => {
  test.each(Array.from({ length: 4 }, (_, index) => runSeed + index))("seed %d", async (seed) => {
    cluster = await SmallCluster.start({ config });
    const history = new History(new LargeClient(cluster), seed);
    const steps: string[] = [];
    try {
      for (let step = 0; step < stepsPerHistory; step += 1) {
        steps.push(await history.step());
        await history.check();
      }
      cluster.network.release();
      for (const node of [0, 1, 2]) await restart(node);
      await cluster.clock.pass(3 * leaseMs);
      await settle();
      await history.check();
      await history.checkHeld();
    } catch (error) {
      throw new Error(`seed ${seed}, after: ${steps.join(", ")}`, { cause: error });
    }
  });
});
