import { blockBytes, QuorumError } from "@quorumfs/core";
import {
  type ChunkHeader,
  ChunkServiceService,
  type ReadChunkRequest,
  type ReadChunkResponse,
  type StatChunksRequest,
  type WriteChunkRequest,
  type WriteChunkResponse,
} from "@quorumfs/proto";
import { crc32c } from "@quorumfs/runtime";
import type { ServerEnd } from "./fake-network.js";

/**
 * What a fake DataNode does with a chunk that is written:
 * `mute`: answers nothing; `choke`: lets the bytes come and takes none; `forget`: takes them all and never says `stored`;
 * `die`: breaks the stream after the first bytes; an error refuses.
 */
export type WriteReaction = "store" | "mute" | "choke" | "forget" | "die" | QuorumError;

/**
 * With a chunk that is read: `mute`: sends nothing; `stall`: sends the first message only; `die`: breaks after it; `damage`:
 * sends a block that does not match its checksum; `lie`: sends other bytes, with checksums of theirs.
 */
export type ReadReaction = "serve" | "mute" | "stall" | "die" | "damage" | "lie" | QuorumError;

const messageBytes = 256 * 1024;

/** The chunks of one fake DataNode. */
export class FakeChunks {
  readonly node: number;
  /** By upload in hexadecimal and index. */
  readonly stored = new Map<string, Uint8Array>();
  /** Every header that came in. */
  readonly offered: ChunkHeader[] = [];
  /** Bytes of content that came in. */
  receivedBytes = 0;
  readonly reads: ReadChunkRequest[] = [];
  readonly stats: StatChunksRequest[] = [];
  onWrite: (header: ChunkHeader) => WriteReaction = () => "store";
  onRead: (request: ReadChunkRequest) => ReadReaction = () => "serve";
  readonly #streams = new Set<ServerEnd>();
  /** Streams under way, and most of them at a time. */
  get open(): number {
    return this.#streams.size;
  }

  constructor(node: number) {
    this.node = node;
  }

  unary(path: string, request: unknown): unknown {
    if (path !== ChunkServiceService.statChunks.path) return undefined;
    const stat = request as StatChunksRequest;
    this.stats.push(stat);
    const chunks = stat.ranges.flatMap(({ upload, first, count }) =>
      Array.from({ length: count }, (_, at) => {
        const bytes = this.stored.get(keyOf(upload, first + at));
        return bytes ? { size: bytes.length, crc32c: crc32c(bytes) } : { size: 0, crc32c: 0 };
      }),
    );
    return { chunks };
  }

  duplex(path: string): ServerEnd | undefined {
    if (path === ChunkServiceService.writeChunk.path) return this.#track(this.#write());
    if (path === ChunkServiceService.readChunk.path) return this.#track(this.#read());
    return undefined;
  }

  breakStreams(): void {
    for (const stream of [...this.#streams]) stream.break();
    this.#streams.clear();
  }

  #track(end: ServerEnd): ServerEnd {
    this.#streams.add(end);
    end.onEnd = () => this.#streams.delete(end);
    end.onHalfClose = () => undefined;
    return end;
  }

  #finish(end: ServerEnd): void {
    this.#streams.delete(end);
    end.end?.();
  }

  #break(end: ServerEnd, error?: Error): void {
    this.#streams.delete(end);
    end.break(error);
  }

  #write(): ServerEnd {
    let header: ChunkHeader | undefined;
    let reaction: WriteReaction = "store";
    const pieces: Uint8Array[] = [];
    let received = 0;
    const answer = (step: WriteChunkResponse["step"]): void => end.send({ step });
    const begin = (announced: ChunkHeader): void => {
      header = announced;
      this.offered.push(announced);
      reaction = this.onWrite(announced);
      if (reaction instanceof QuorumError) return this.#break(end, reaction);
      if (reaction === "mute") return;
      const known = this.stored.get(keyOf(announced.upload, announced.index));
      if (known) {
        if (crc32c(known) !== announced.crc32c) {
          const message = "another chunk is held under this name";
          return this.#break(end, new QuorumError({ code: "invalid_argument", message }));
        }
        answer({ $case: "stored", value: {} });
        return this.#finish(end);
      }
      end.full = reaction === "choke";
      answer({ $case: "proceed", value: {} });
    };
    const take = (data: Uint8Array): void => {
      received += data.length;
      this.receivedBytes += data.length;
      pieces.push(Buffer.from(data));
      if (reaction === "die") return this.#break(end);
      if (reaction !== "store" || received < (header?.size ?? 0)) return;
      const bytes = Buffer.concat(pieces);
      if (!header || bytes.length !== header.size || crc32c(bytes) !== header.crc32c) {
        return this.#break(
          end,
          new QuorumError({ code: "invalid_argument", message: "the chunk is not as announced" }),
        );
      }
      this.stored.set(keyOf(header.upload, header.index), bytes);
      answer({ $case: "stored", value: {} });
      this.#finish(end);
    };
    const end: ServerEnd = {
      onMessage: (message) => {
        const { part } = message as WriteChunkRequest;
        if (part?.$case === "header") begin(part.value);
        else if (part) take(part.value);
      },
      onEnd: () => undefined,
      send: () => undefined,
      break: () => undefined,
    };
    return end;
  }

  #read(): ServerEnd {
    const end: ServerEnd = {
      onMessage: (message) => this.#serve(end, message as ReadChunkRequest),
      onEnd: () => undefined,
      send: () => undefined,
      break: () => undefined,
    };
    return end;
  }

  #serve(end: ServerEnd, request: ReadChunkRequest): void {
    this.reads.push(request);
    const reaction = this.onRead(request);
    if (reaction instanceof QuorumError) return this.#break(end, reaction);
    if (reaction === "mute") return;
    const bytes = this.stored.get(keyOf(request.upload, request.index));
    if (!bytes) return this.#break(end, new QuorumError({ code: "not_found", message: "no such chunk" }));
    const stop = request.length === 0 ? bytes.length : request.offset + request.length;
    const last = Math.min(bytes.length, Math.ceil(stop / blockBytes) * blockBytes);
    let offset = Math.floor(request.offset / blockBytes) * blockBytes;
    const sent = reaction === "lie" ? withFlippedBit(bytes) : bytes;
    const checksums = checksumsOf(sent);
    for (let chunkCrc32c = checksums; offset < last; offset += messageBytes, chunkCrc32c = []) {
      const whole = sent.subarray(offset, Math.min(last, offset + messageBytes));
      const data = reaction === "damage" ? withFlippedBit(whole) : Buffer.from(whole);
      end.send({ data, blockCrc32c: checksumsOf(whole), offset, chunkCrc32c } satisfies ReadChunkResponse);
      if (reaction === "stall") return;
      if (reaction === "die") return this.#break(end);
    }
    this.#finish(end);
  }
}

function withFlippedBit(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  copy[5] = (copy[5] ?? 0) ^ 1;
  return copy;
}

function checksumsOf(bytes: Uint8Array): number[] {
  const checksums: number[] = [];
  for (let at = 0; at < bytes.length; at += blockBytes) checksums.push(crc32c(bytes.subarray(at, at + blockBytes)));
  return checksums;
}

function keyOf(upload: Uint8Array, index: number): string {
  return `${Buffer.from(upload).toString("hex")}/${index}`;
}
