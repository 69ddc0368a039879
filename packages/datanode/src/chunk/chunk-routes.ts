import {
  type CallContext,
  type Clock,
  duplexRoute,
  partitionOfChunk,
  QuorumError,
  type Route,
  type ServedDuplex,
  unaryRoute,
} from "@quorumfs/core";
import {
  type ChunkHeader,
  ChunkServiceService,
  type KeepChunksRequest,
  type KeepChunksResponse,
  type ReadChunkRequest,
  type ReadChunkResponse,
  type StatChunksRequest,
  type StatChunksResponse,
  type WriteChunkRequest,
  type WriteChunkResponse,
} from "@quorumfs/proto";
import type { ChunkTraffic } from "../observe/chunk-traffic.js";
import { votingCaller } from "../replica/caller.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import type { ChunkKey } from "./chunk-key.js";
import { ChunkReading } from "./chunk-reading.js";
import { type ChunkStore, statChunksMax } from "./chunk-store.js";
import { chunkKeyFromWire, ownerFromWire, rangesFromWire } from "./chunk-wire.js";
import { ChunkWriting } from "./chunk-writing.js";
import { Gate } from "./gate.js";
import { checkRanges } from "./named-chunks.js";

/** Reads under way: up to 768 KiB each, sent and read ahead, so 24 MiB in all. */
const readsMax = 32;

/** More clients than a node has threads for will not get faster by waiting here. */
const readsWaitingMax = 4096;

/** Chunks that are asked for at a time: an answer about each takes some hundred bytes until it has left. */
const askedMax = 4 * statChunksMax;
const questionsWaitingMax = 4096;

const retryAfterMs = 100;

export interface ChunkRoutesOptions {
  readonly store: ChunkStore;
  readonly context: ReplicaContext;
  readonly clock: Clock;
  readonly traffic: ChunkTraffic;
}

/** ChunkService: WriteChunk, ReadChunk, StatChunks, KeepChunks. */
export function chunkRoutes(options: ChunkRoutesOptions): readonly Route[] {
  const service = new ChunkService(options);
  return [
    duplexRoute(ChunkServiceService.writeChunk, (stream, call) => service.writeChunk(stream, call)),
    // A stream of one request and many answers: a duplex on the wire, and served as one, which costs far less per message.
    duplexRoute(ChunkServiceService.readChunk, (stream, call) => service.readChunk(stream, call)),
    unaryRoute(ChunkServiceService.statChunks, (request, call) => service.statChunks(request, call)),
    unaryRoute(ChunkServiceService.keepChunks, (request, call) => service.keepChunks(request, call)),
  ];
}

class ChunkService {
  readonly #options: ChunkRoutesOptions;
  readonly #reads = new Gate({ unitsMax: readsMax, waitingMax: readsWaitingMax, what: "reads", retryAfterMs });

  readonly #questions = new Gate({
    unitsMax: askedMax,
    waitingMax: questionsWaitingMax,
    what: "questions",
    retryAfterMs,
  });

  constructor(options: ChunkRoutesOptions) {
    this.#options = options;
  }

  writeChunk(stream: ServedDuplex<WriteChunkResponse, WriteChunkRequest>, call: CallContext): void {
    const { store, clock, traffic } = this.#options;
    const { signal } = call;
    const counts = traffic.of(call);
    new ChunkWriting({ stream, signal, store, clock, counts, keyOf: (header) => this.#keyToWrite(header) });
  }

  readChunk(stream: ServedDuplex<ReadChunkResponse, ReadChunkRequest>, call: CallContext): void {
    const { store, clock, traffic } = this.#options;
    const { signal } = call;
    const counts = traffic.of(call);
    new ChunkReading({ stream, signal, store, clock, counts, gate: this.#reads, keyOf: chunkKeyFromWire });
  }

  async statChunks({ owner, ranges, renew }: StatChunksRequest, { signal }: CallContext): Promise<StatChunksResponse> {
    const { store } = this.#options;
    const file = ownerFromWire(owner);
    const named = rangesFromWire(ranges);
    checkRanges(named, statChunksMax);
    const leave = await this.#questions.enter(
      named.reduce((sum, { count }) => sum + count, 0),
      signal,
    );
    try {
      // First, so that what is said to be here stays.
      if (renew) await store.renew(file, named);
      const found = await store.stat(file, named);
      return { chunks: found.map((chunk) => ({ size: chunk?.size ?? 0, crc32c: chunk?.checksum ?? 0 })) };
    } finally {
      leave();
    }
  }

  async keepChunks({ owner, version, ranges }: KeepChunksRequest, call: CallContext): Promise<KeepChunksResponse> {
    const { store, context } = this.#options;
    votingCaller(call, context);
    if (!version) throw new QuorumError({ code: "invalid_argument", message: "a notice is of some version" });
    await store.keep(ownerFromWire(owner), version, rangesFromWire(ranges));
    return {};
  }

  #keyToWrite(header: ChunkHeader): ChunkKey {
    const { context } = this.#options;
    const key = chunkKeyFromWire(header);
    const bucket = context.bucket(key.owner.bucket);
    if (!bucket) throw unavailable(`this DataNode does not know bucket ${key.owner.bucket} yet`);
    if (bucket.deleting) {
      throw new QuorumError({ code: "not_found", message: `bucket ${key.owner.bucket} is being deleted` });
    }
    const layout = context.layout();
    if (!layout) throw unavailable("this DataNode has no layout yet");
    if (holdsChunk(context, key.upload, key.index)) return key;
    throw unavailable(`this DataNode is not among the replicas of this chunk in layout ${layout.number}`);
  }
}

/** Whether this node is among the replicas of a chunk, by the newest layout. */
export function holdsChunk(context: ReplicaContext, upload: Uint8Array, index: number): boolean {
  const { self } = context;
  const layout = context.layout();
  const assignment = layout?.partitions[partitionOfChunk(upload, index, layout.partitions.length)];
  if (!assignment || self === undefined) return false;
  return assignment.nodes.includes(self) || assignment.joining.includes(self);
}

function unavailable(message: string): QuorumError {
  return new QuorumError({ code: "unavailable", message, details: { mayHaveRun: false } });
}
