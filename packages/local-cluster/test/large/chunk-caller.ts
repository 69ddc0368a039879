import { type Channel, QuorumError } from "@quorumfs/core";
import { type ChunkHeader, ChunkServiceService, type WriteChunkRequest } from "@quorumfs/proto";
import { crc32c } from "@quorumfs/runtime";

/** Someone who speaks to one DataNode's ChunkService, and need not keep to its rules. */
export class ChunkCaller {
  readonly channel: Channel;
  readonly #bucket: number;
  readonly #path: string;

  constructor(options: { readonly channel: Channel; readonly bucket: number; readonly path: string }) {
    this.channel = options.channel;
    this.#bucket = options.bucket;
    this.#path = options.path;
  }

  header(upload: Uint8Array, index: number, content: Uint8Array): ChunkHeader {
    const owner = { bucket: this.#bucket, path: this.#path };
    return { owner, upload, index, size: content.byteLength, crc32c: crc32c(content) };
  }

  /** Sends the header and then, when it may, the pieces; `"stored"` and `"held"`, or the error. */
  async write(header: ChunkHeader, pieces: readonly Uint8Array[]): Promise<"stored" | "held" | QuorumError> {
    const writing = this.begin(header);
    try {
      if ((await writing.next()) === "stored") return "held";
      for (const data of pieces) writing.send({ part: { $case: "data", value: data } });
      writing.end();
      return (await writing.next()) === "stored" ? "stored" : new QuorumError({ code: "internal", message: "proceed" });
    } catch (error) {
      return QuorumError.from(error);
    } finally {
      writing.cancel();
    }
  }

  /** Sends the header only. */
  begin(header: ChunkHeader): Writing {
    const stream = this.channel.duplex(ChunkServiceService.writeChunk, {});
    const steps: (() => "proceed" | "stored")[] = [];
    let wake: () => void = () => undefined;
    const told = (step: () => "proceed" | "stored"): void => {
      steps.push(step);
      wake();
    };
    stream.onMessage(({ step }) => told(() => step?.$case ?? "proceed"));
    stream.onEnd((error) => {
      told(() => {
        throw error ?? new QuorumError({ code: "unavailable", message: "it ended without a word" });
      });
    });
    stream.write({ part: { $case: "header", value: header } });
    return {
      next: async () => {
        while (steps.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        return steps.shift()?.() ?? "proceed";
      },
      send: (message) => void stream.write(message),
      end: () => stream.end(),
      cancel: () => stream.cancel(),
    };
  }

  /** Sizes of chunks on this node; 0 for those that are not there. */
  async sizes(upload: Uint8Array, count: number): Promise<readonly number[]> {
    const request = {
      owner: { bucket: this.#bucket, path: this.#path },
      ranges: [{ upload, first: 0, count }],
      renew: false,
    };
    const { chunks } = await this.channel.unary(ChunkServiceService.statChunks, request, { timeoutMs: 10_000 });
    return chunks.map(({ size }) => size);
  }

  /** What this node reads out of its own copy. */
  async read(upload: Uint8Array, index: number): Promise<Buffer> {
    const owner = { bucket: this.#bucket, path: this.#path };
    const request = { owner, upload, index, offset: 0, length: 0 };
    const pieces: Uint8Array[] = [];
    const answers = this.channel.serverStream(ChunkServiceService.readChunk, request, { timeoutMs: 30_000 });
    for await (const { data } of answers) pieces.push(data);
    return Buffer.concat(pieces);
  }
}

export interface Writing {
  /** What the node says next; throws when it has ended. */
  next(): Promise<"proceed" | "stored">;
  send(message: WriteChunkRequest): void;
  end(): void;
  cancel(): void;
}
