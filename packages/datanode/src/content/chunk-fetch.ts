import { type CancelSignal, type NodeId, QuorumError } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import type { ChunkKey } from "../chunk/chunk-key.js";
import type { ChunkContent, ChunkIntake } from "../chunk/chunk-store.js";
import type { ChunkPeers } from "./chunk-peers.js";
import type { ChunkPlaces } from "./chunk-places.js";
import { uploadName } from "./upload-name.js";

/** Where the bytes go: `ChunkStore.begin` for a chunk that is not there, `ChunkStore.replace` for a damaged one. */
export type FetchTarget = (content: ChunkContent, signal: CancelSignal) => Promise<"held" | ChunkIntake>;

export interface FetchOptions {
  readonly into: FetchTarget;
  /** What the chunk is known to have; without it, what its other replicas say. */
  readonly expected?: ChunkContent;
  readonly signal: CancelSignal;
}

/** Copies a chunk from whichever of its other replicas has it whole. */
export class ChunkFetch {
  readonly #peers: Pick<ChunkPeers, "stat" | "read">;
  readonly #places: Pick<ChunkPlaces, "nearestFirst">;
  readonly #isLocal: (node: NodeId) => boolean;

  constructor(options: {
    readonly peers: Pick<ChunkPeers, "stat" | "read">;
    readonly places: Pick<ChunkPlaces, "nearestFirst">;
    readonly isLocal: (node: NodeId) => boolean;
  }) {
    this.#peers = options.peers;
    this.#places = options.places;
    this.#isLocal = options.isLocal;
  }

  /**
   * Resolves when the chunk is durable here.
   *
   * @throws QuorumError `not_found`: no other replica has it; `unavailable`: none could be read; what `into` throws;
   *   `cancelled` by `signal`
   */
  async fetch(key: ChunkKey, options: FetchOptions): Promise<void> {
    const { into, signal } = options;
    let failure: QuorumError | undefined;
    for (const { node, content } of await this.#sources(key, options)) {
      const intake = await into(content, signal);
      if (intake === "held") return;
      try {
        await this.#copy(key, { node, content, intake, signal });
        await intake.commit();
        return;
      } catch (thrown) {
        await intake.discard();
        failure = QuorumError.from(thrown);
        if (signal.aborted || failure.code === "resource_exhausted") throw failure;
      }
    }
    throw failure ?? new QuorumError({ code: "not_found", message: `no other replica has ${nameOf(key)}` });
  }

  /** The replicas that have the chunk, and what each says that it has. */
  async #sources(
    key: ChunkKey,
    { expected, signal }: FetchOptions,
  ): Promise<readonly { readonly node: NodeId; readonly content: ChunkContent }[]> {
    const { owner, upload, index } = key;
    const ranges = [{ upload, first: index, count: 1 }];
    const others = this.#places.nearestFirst(key).filter((node) => !this.#isLocal(node));
    const answers = await Promise.allSettled(
      others.map(async (node) => {
        const [content] = await this.#peers.stat(node, owner, ranges, { renew: false, signal });
        return content && { node, content };
      }),
    );
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value ? [answer.value] : []));
    if (found.length === 0) {
      const failed = answers.find((answer) => answer.status === "rejected");
      if (failed) throw unreachable(key, failed.reason);
    }
    return expected ? found.filter(({ content }) => isSame(content, expected)) : found;
  }

  async #copy(
    key: ChunkKey,
    source: {
      readonly node: NodeId;
      readonly content: ChunkContent;
      readonly intake: ChunkIntake;
      readonly signal: CancelSignal;
    },
  ): Promise<void> {
    const { node, content, intake, signal } = source;
    let checksum = 0;
    for await (const bytes of this.#peers.read(node, key, { offset: 0, length: content.size }, signal)) {
      checksum = crc32c(bytes, checksum);
      await intake.write(bytes);
    }
    if (checksum === content.checksum) return;
    throw new QuorumError({ code: "corrupt", message: `DataNode ${node} sent other bytes for ${nameOf(key)}` });
  }
}

function isSame(a: ChunkContent, b: ChunkContent): boolean {
  return a.size === b.size && a.checksum === b.checksum;
}

function nameOf({ upload, index }: ChunkKey): string {
  return `chunk ${index} of upload ${uploadName(upload)}`;
}

function unreachable(key: ChunkKey, thrown: unknown): QuorumError {
  const { message } = QuorumError.from(thrown);
  return new QuorumError({ code: "unavailable", message: `no replica of ${nameOf(key)}: ${message}`, cause: thrown });
}
