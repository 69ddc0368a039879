import { type Duplex, type Extent, extentsBytes, type Manifest, partitionOfChunk, chunksOf } from "@quorumfs/core";
import {
  ChunkServiceService,
  FileServiceService,
  type GetResponse,
  type PutResponse,
  type StatChunksResponse,
  type WriteChunkRequest,
  type WriteChunkResponse,
} from "@quorumfs/proto";
import { crc32c, decodeManifest, encodeManifest } from "@quorumfs/runtime";
import { type PutMore, putRequest, type SmallCluster } from "../support/small-cluster.js";
import { extentOf, sha256, upload } from "./fixture.js";

const bucket = 1;
const options = { timeoutMs: 10_000 };
const pieceBytes = 256 * 1024;

export interface PutLarge extends PutMore {
  /** Through which node; default the first. */
  readonly through?: number;
  /** SHA-256 of the whole; default that of `bytes`, or zeros. */
  readonly bytes?: Uint8Array;
}

/** As much of the library as it takes to write and read files of chunks, with every step in the test's hands. */
export class LargeClient {
  readonly #cluster: SmallCluster;

  constructor(cluster: SmallCluster) {
    this.#cluster = cluster;
  }

  /** Writes the chunks of upload `number` to all replicas of each, or to the nodes (from 0) that `to` picks of them. */
  async upload(
    path: string,
    number: number,
    bytes: Uint8Array,
    more: {
      readonly chunkBytes?: number;
      readonly first?: number;
      readonly to?: (index: number) => readonly number[];
    } = {},
  ): Promise<Extent> {
    const { first = 0, to } = more;
    const extent = { ...extentOf(number, bytes, more.chunkBytes), first };
    for (const piece of chunksOf([extent], { offset: 0, length: bytes.length })) {
      const content = bytes.subarray(piece.fileOffset, piece.fileOffset + piece.bytes);
      const nodes = to?.(piece.index) ?? this.replicasOf(number, piece.index);
      await Promise.all(nodes.map((node) => this.writeChunk(node, path, { number, index: piece.index }, content)));
    }
    return extent;
  }

  /** Nodes (from 0) that hold a chunk when all is well. */
  replicasOf(number: number, index: number): readonly number[] {
    const layout = this.#cluster.superNode.cluster.layout;
    const members = layout?.partitions[partitionOfChunk(upload(number), index)]?.nodes ?? [];
    return members.map((id) => this.#cluster.nodes.findIndex(({ nodeId }) => nodeId === id));
  }

  /** @returns whether the node had the chunk already */
  writeChunk(
    node: number,
    path: string,
    chunk: { readonly number: number; readonly index: number },
    bytes: Uint8Array,
  ): Promise<"stored" | "held"> {
    const stream: Duplex<WriteChunkRequest, WriteChunkResponse> = this.#channel(node).duplex(
      ChunkServiceService.writeChunk,
      {},
    );
    return new Promise((resolve, reject) => {
      let proceeded = false;
      stream.onMessage(({ step }) => {
        if (step?.$case === "stored") {
          resolve(proceeded ? "stored" : "held");
          stream.end();
          return;
        }
        proceeded = true;
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          stream.write({ part: { $case: "data", value: bytes.subarray(at, at + pieceBytes) } });
        }
      });
      stream.onEnd((error) => reject(error ?? new Error("the stream ended")));
      const owner = { bucket, path };
      const header = {
        owner,
        upload: upload(chunk.number),
        index: chunk.index,
        size: bytes.length,
        crc32c: crc32c(bytes),
      };
      stream.write({ part: { $case: "header", value: header } });
    });
  }

  /** Puts a manifest; the request id is that of upload `number`. */
  put(
    path: string,
    number: number,
    manifest: Partial<Manifest>,
    more: PutLarge & { size?: number } = {},
  ): Promise<PutResponse> {
    const { through = 0, bytes, size = extentsBytes(manifest.extents ?? []), ...rest } = more;
    const message = putRequest(path, "", { requestId: upload(number), ...rest });
    const whole: Manifest = { extents: [], hashState: new Uint8Array(0), ...manifest };
    return this.#channel(through).unary(
      FileServiceService.put,
      {
        ...message,
        manifest: encodeManifest(whole),
        size,
        etag: bytes ? sha256(bytes) : new Uint8Array(32),
      },
      options,
    );
  }

  /** Uploads and puts. */
  async write(path: string, number: number, bytes: Uint8Array, more: PutLarge = {}): Promise<PutResponse> {
    const extent = await this.upload(path, number, bytes);
    return this.put(path, number, { extents: [extent] }, { bytes, ...more });
  }

  get(path: string, more: { readonly through?: number; readonly acceptManifest?: boolean } = {}): Promise<GetResponse> {
    const { through = 0, acceptManifest = true } = more;
    return this.#channel(through).unary(
      FileServiceService.get,
      { bucket: "files", path, consistency: 0, acceptManifest },
      options,
    );
  }

  /** Gets the manifest, then each chunk from the first of its replicas that has it. */
  async read(path: string, more: { readonly through?: number } = {}): Promise<Buffer> {
    const { manifest, file } = await this.get(path, more);
    const { extents } = decodeManifest(manifest);
    const parts: Uint8Array[] = [];
    for (const { upload: id, index, bytes } of chunksOf(extents, { offset: 0, length: file?.size ?? 0 })) {
      parts.push(await this.#readChunk(path, { id, index, bytes }));
    }
    return Buffer.concat(parts);
  }

  async #readChunk(path: string, chunk: { id: Uint8Array; index: number; bytes: number }): Promise<Buffer> {
    let failure: unknown;
    for (const node of this.#cluster.nodes.keys()) {
      try {
        const parts: Uint8Array[] = [];
        const request = {
          owner: { bucket, path },
          upload: chunk.id,
          index: chunk.index,
          offset: 0,
          length: chunk.bytes,
        };
        const answers = this.#channel(node).serverStream(ChunkServiceService.readChunk, request, options);
        for await (const { data } of answers) parts.push(Uint8Array.from(data));
        return Buffer.concat(parts);
      } catch (thrown) {
        failure = thrown;
      }
    }
    throw failure;
  }

  /** Which of the chunks `0` to `count` of an upload node `node` has. */
  async held(node: number, path: string, number: number, count: number): Promise<readonly number[]> {
    const { chunks }: StatChunksResponse = await this.#channel(node).unary(
      ChunkServiceService.statChunks,
      { owner: { bucket, path }, ranges: [{ upload: upload(number), first: 0, count }], renew: false },
      options,
    );
    return chunks.flatMap(({ size }, index) => (size > 0 ? [index] : []));
  }

  #channel(node: number) {
    const address = this.#cluster.nodes[node]?.address ?? "";
    return this.#cluster.network.connect({ address, purpose: "bulk", identity: new Map() });
  }
}
