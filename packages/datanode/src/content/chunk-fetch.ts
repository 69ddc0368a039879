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
  /** Who has just said that it has `expected`: asked first, and without another question. */
  readonly from?: NodeId;
  readonly signal: CancelSignal;
}

interface Source {
  readonly node: NodeId;
  readonly content: ChunkContent;
}

/** Why a node could not be asked, if there is one. */
interface Silence {
  reason: unknown;
}

/** Copies a chunk from whichever of its other replicas has it whole; if none has it, from whoever else does. */
export class ChunkFetch {
  readonly #peers: Pick<ChunkPeers, "stat" | "read">;
  readonly #places: Pick<ChunkPlaces, "nearestFirst" | "elsewhere">;
  readonly #isLocal: (node: NodeId) => boolean;

  constructor(options: {
    readonly peers: Pick<ChunkPeers, "stat" | "read">;
    readonly places: Pick<ChunkPlaces, "nearestFirst" | "elsewhere">;
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
    const { signal } = options;
    let failure: QuorumError | undefined;
    const silence: Silence = { reason: undefined };
    for await (const source of this.#sources(key, options, silence)) {
      try {
        await this.#fetchFrom(source, key, options);
        return;
      } catch (thrown) {
        failure = QuorumError.from(thrown);
        if (signal.aborted || failure.code === "resource_exhausted") throw failure;
      }
    }
    if (failure) throw failure;
    // Who is silent may have it.
    if (silence.reason !== undefined) throw unreachable(key, silence.reason);
    throw new QuorumError({ code: "not_found", message: `no other DataNode has ${nameOf(key)}` });
  }

  /** Who has the chunk, and what each says that it has. The next are asked when those before have not delivered it. */
  async *#sources(key: ChunkKey, { expected, from, signal }: FetchOptions, silence: Silence): AsyncGenerator<Source> {
    if (from !== undefined && expected) yield { node: from, content: expected };
    const others = (nodes: readonly NodeId[]) => nodes.filter((node) => !this.#isLocal(node) && node !== from);
    for (const nodes of [this.#places.nearestFirst(key), this.#places.elsewhere(key)]) {
      const { found, failure } = await this.#ask(others(nodes), key, signal);
      silence.reason ??= failure;
      for (const source of found) if (!expected || isSame(source.content, expected)) yield source;
    }
  }

  async #ask(
    nodes: readonly NodeId[],
    { owner, upload, index }: ChunkKey,
    signal: CancelSignal,
  ): Promise<{ readonly found: readonly Source[]; readonly failure: unknown }> {
    const ranges = [{ upload, first: index, count: 1 }];
    const answers = await Promise.allSettled(
      nodes.map(async (node) => {
        const [content] = await this.#peers.stat(node, owner, ranges, { renew: false, signal });
        return content && { node, content };
      }),
    );
    return {
      found: answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value ? [answer.value] : [])),
      failure: answers.find((answer) => answer.status === "rejected")?.reason,
    };
  }

  async #fetchFrom({ node, content }: Source, key: ChunkKey, { into, signal }: FetchOptions): Promise<void> {
    const intake = await into(content, signal);
    if (intake === "held") return;
    try {
      await this.#copy(key, { node, content, intake, signal });
      await intake.commit();
    } catch (thrown) {
      await intake.discard();
      throw thrown;
    }
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
