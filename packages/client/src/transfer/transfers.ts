import { inlineBytesMax, QuorumError } from "@quorumfs/core";
import type { Mutation } from "@quorumfs/proto";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { FileCalls } from "../file-calls.js";
import type { FileContent, GetResult, PutResult, ReadResult } from "../file-info.js";
import type { Surroundings } from "../operation/surroundings.js";
import type { AppendOptions, GetOptions, PutOptions } from "../options.js";
import { ContentReader } from "./content-reader.js";

export interface TransfersOptions {
  readonly surroundings: Surroundings;
  readonly calls: FileCalls;
  /** @throws QuorumError `unavailable` while the cluster is forming, `cancelled` after close */
  readonly view: () => ClusterView;
}

export interface CheckedPutOptions extends Omit<PutOptions, "attributes"> {
  readonly timeoutMs: number;
  readonly mutation: Mutation;
  readonly attributes: Map<string, string>;
}

/** Content up and down, of any size: what is small in one call, the rest in chunks. */
export class Transfers {
  readonly #options: TransfersOptions;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  async put(name: string, content: FileContent, options: CheckedPutOptions): Promise<PutResult> {
    const bytes = await this.#collect(name, content, options.size);
    return this.#options.calls.put(name, { ...options, body: { kind: "inline", bytes } });
  }

  async append(
    name: string,
    content: FileContent,
    options: AppendOptions & { readonly timeoutMs: number },
  ): Promise<PutResult> {
    await this.#collect(name, content, options.size);
    throw new QuorumError({ code: "internal", message: "append is not there yet" });
  }

  async get(name: string, options: GetOptions): Promise<GetResult> {
    const found = await this.#options.calls.get(name, options);
    if (found.kind !== "inline") throw new QuorumError({ code: "internal", message: "chunks are not read yet" });
    const { file, bytes, acknowledged, replicas, durability } = found;
    const { offset = 0, length = bytes.length } = options;
    return { file, offset, content: bytes.subarray(offset, offset + length), acknowledged, replicas, durability };
  }

  async read(name: string, options: GetOptions): Promise<ReadResult> {
    const { content, ...rest } = await this.get(name, options);
    return {
      ...rest,
      length: content.length,
      body: new ReadableStream({
        start: (out) => {
          out.enqueue(content);
          out.close();
        },
      }),
    };
  }

  async #collect(name: string, content: FileContent, size: number | undefined): Promise<Uint8Array> {
    const reader = new ContentReader(name, content, { size });
    const pieces: Uint8Array[] = [];
    for (let piece = await reader.next(); piece; piece = await reader.next()) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (bytes.length <= inlineBytesMax) return bytes;
    throw new QuorumError({
      code: "invalid_argument",
      message: `${name} would be ${bytes.length} bytes; the most is ${inlineBytesMax} bytes (128 KiB)`,
    });
  }

  close(): void {}
}
