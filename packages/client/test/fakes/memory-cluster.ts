import { createHash } from "node:crypto";
import { comparePaths, parseFileName, QuorumError } from "@quorumfs/core";
import type { ActivitySample } from "../../src/activity-info.js";
import type { ClusterStatus, NodeScrub } from "../../src/cluster-info.js";
import type { ClusterEvent, EventPage } from "../../src/event-info.js";
import type { FileContent, FileInfo, ListEntry, PutResult, ReadResult, StatResult } from "../../src/file-info.js";
import type {
  ActivityOptions,
  AppendOptions,
  DeleteOptions,
  GetOptions,
  ListEventsOptions,
  ListOptions,
  PutOptions,
  WatchEventsOptions,
} from "../../src/options.js";
import type { Buckets, Checkup, QuorumFs, Scrub } from "../../src/quorumfs.js";
import { MemoryLayout } from "./memory-layout.js";

interface Stored {
  readonly version: number;
  readonly content: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

const vote = { acknowledged: [1, 2], replicas: [1, 2, 3], durability: "fsync" as const };
const pieceBytes = 64 * 1024;

/** The files of a cluster in memory: what the command line asks of the SDK, with faults where a test wants them. */
export class MemoryCluster implements QuorumFs {
  readonly files = new Map<string, Stored>();
  readonly puts: { readonly name: string; readonly options: PutOptions }[] = [];
  /** Throws where a test wants a transfer to fail; called for each piece of content that goes in or out. */
  onPiece: (name: string, bytesSoFar: number) => void = () => undefined;
  #version = 0;

  seed(files: Readonly<Record<string, string>>): this {
    for (const [name, content] of Object.entries(files)) this.#store(name, Buffer.from(content), {});
    return this;
  }

  /** Text of all files, by name. */
  get contents(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.files].map(([name, { content }]) => [name, content.toString()]));
  }

  async put(name: string, content: FileContent, options: PutOptions = {}): Promise<PutResult> {
    parseFileName(name);
    this.puts.push({ name, options });
    const bytes = await this.#take(name, content, options);
    const currentVersion = this.files.get(name)?.version ?? 0;
    const { ifAbsent, ifVersion } = options;
    if ((ifAbsent && currentVersion > 0) || (ifVersion !== undefined && ifVersion !== currentVersion)) {
      throw new QuorumError({ code: "precondition_failed", message: `${name} has version ${currentVersion}` });
    }
    return { file: this.#store(name, bytes, options.attributes ?? {}), ...vote };
  }

  async append(name: string, content: FileContent, options: AppendOptions = {}): Promise<PutResult> {
    const bytes = await this.#take(name, content, options);
    const existing = this.files.get(name);
    const whole = existing ? Buffer.concat([existing.content, bytes]) : bytes;
    return { file: this.#store(name, whole, existing?.attributes ?? {}), ...vote };
  }

  async get(): Promise<never> {
    throw new Error("the command line streams");
  }

  async read(name: string, options: GetOptions = {}): Promise<ReadResult> {
    const { content, file } = this.#find(name);
    const { offset = 0, length = content.length, onProgress } = options;
    const part = content.subarray(offset, offset + length);
    let position = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (position >= part.length) return controller.close();
          this.onPiece(name, offset + position);
          const piece = part.subarray(position, position + pieceBytes);
          position += piece.length;
          controller.enqueue(piece);
          onProgress?.({ bytes: position, totalBytes: part.length, resumedBytes: 0 });
        },
      },
      { highWaterMark: 0 },
    );
    return { file, ...vote, offset, length: part.length, body };
  }

  async stat(name: string): Promise<StatResult> {
    return { file: this.#find(name).file, ...vote };
  }

  async delete(name: string, { ifVersion }: DeleteOptions = {}) {
    const { file } = this.#find(name);
    if (ifVersion !== undefined && ifVersion !== file.version) {
      throw new QuorumError({ code: "precondition_failed", message: `${name} has version ${file.version}` });
    }
    this.files.delete(name);
    this.#version += 1;
    return { version: this.#version, ...vote };
  }

  async *list(bucket: string, { prefix = "" }: ListOptions = {}): AsyncGenerator<ListEntry> {
    const paths = [...this.files.keys()]
      .map((name) => parseFileName(name))
      .filter((file) => file.bucket === bucket && file.path.startsWith(prefix))
      .map(({ path }) => path);
    for (const path of paths.sort(comparePaths)) {
      if (this.files.has(`${bucket}/${path}`)) yield { kind: "file", ...this.#find(`${bucket}/${path}`).file };
    }
  }

  async status(): Promise<ClusterStatus> {
    return {
      clusterId: "c",
      version: "0.1.0",
      startedAt: new Date(0),
      ready: true,
      condition: "ready",
      replicas: 3,
      layout: 1,
      change: this.layout.change,
      nodes: await this.nodes(),
      buckets: [],
    };
  }

  async nodes() {
    const damage = { recordsDamaged: 1, recordsRepaired: 1, chunksDamaged: 2, chunksRepaired: 1 };
    const sync = {
      state: "catching_up" as const,
      behindRecords: 120,
      behindBytes: 4096,
      behindChunks: 3,
      remainingMs: 8000,
      inSyncAt: undefined,
      joiningPartitions: 0,
      joinedRecords: 0,
      joinedBytes: 0,
      leavingPartitions: 2,
      obstacle: undefined,
    };
    const load = {
      eventLoopDelayMs: 1,
      inFlight: 0,
      cpuFraction: 0.1,
      diskUsedBytes: 1024,
      diskFreeBytes: 4096,
      residentBytes: 100,
      records: 5,
      operationsPerSecond: 3,
      chunks: 2,
      chunkBytes: 1024,
      reclaimableBytes: 512,
      uploadingBytes: 256,
      full: false,
      damage,
      sync,
    };
    const role = "active" as const;
    const shared = { zone: "", stateSince: new Date(0), capacityBytes: 1, incarnation: 1, version: "0.1.0" };
    const node = { ...shared, role, metricsAddress: undefined };
    return [
      { ...node, id: 1, address: "a:1", state: "up" as const, load },
      { ...node, id: 2, address: "b:1", state: "up" as const, load: { ...load, full: true } },
      { ...node, id: 3, address: "c:1", state: "down" as const, load },
    ];
  }

  readonly layout = new MemoryLayout();

  get checkup(): Checkup {
    throw new QuorumError({ code: "unavailable", message: "no SuperNode answers" });
  }

  readonly scrub: Scrub = {
    start: async ({ nodes = [1, 2] } = {}) => nodes.map((node) => scrubOf(node)),
    pause: async ({ nodes = [1, 2] } = {}) => nodes.map((node) => scrubOf(node)),
    status: async ({ nodes = [1, 2] } = {}) => nodes.map((node) => scrubOf(node)),
  };

  get buckets(): Buckets {
    throw new Error("there is one bucket, and it is there");
  }

  state(): never {
    throw new Error("not asked for");
  }

  explain(): never {
    throw new Error("not asked for");
  }

  /** What `activity` tells, and then nothing more. */
  readonly samples: ActivitySample[] = [];
  /** What has happened, oldest first. */
  readonly happened: ClusterEvent[] = [];
  /** What happens while somebody watches. */
  readonly coming: ClusterEvent[] = [];
  /** Of each call that asked for events. */
  readonly filters: ListEventsOptions[] = [];

  async *activity({ signal }: ActivityOptions = {}): AsyncGenerator<ActivitySample> {
    yield* this.samples;
    await aborted(signal);
  }

  async events({ before, limit = 100, signal: _, ...filter }: ListEventsOptions = {}): Promise<EventPage> {
    this.filters.push(filter);
    const older = this.happened.filter(({ id }) => before === undefined || id < before).toReversed();
    return { events: older.slice(0, limit), more: older.length > limit };
  }

  async *watchEvents({ signal, after = 0 }: WatchEventsOptions = {}): AsyncGenerator<ClusterEvent> {
    yield* [...this.happened, ...this.coming].filter(({ id }) => id > after);
    await aborted(signal);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is open.
  }

  async #take(name: string, content: FileContent, options: AppendOptions): Promise<Buffer> {
    if (typeof content === "string" || content instanceof Uint8Array || content instanceof Blob) {
      throw new Error("the command line streams");
    }
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of content) {
      this.onPiece(name, bytes);
      pieces.push(piece);
      bytes += piece.length;
      options.onProgress?.({ bytes, totalBytes: options.size, resumedBytes: 0 });
    }
    if (options.size !== undefined && options.size !== bytes) throw new Error("a file of another size than was said");
    return Buffer.concat(pieces);
  }

  #store(name: string, content: Buffer, attributes: Readonly<Record<string, string>>): FileInfo {
    this.#version += 1;
    this.files.set(name, { version: this.#version, content, attributes });
    return this.#find(name).file;
  }

  #find(name: string): { readonly content: Buffer; readonly file: FileInfo } {
    const stored = this.files.get(name);
    if (!stored) throw new QuorumError({ code: "not_found", message: `${name} does not exist` });
    const { version, content, attributes } = stored;
    const etag = createHash("sha256").update(content).digest("hex");
    const file = {
      name,
      ...parseFileName(name),
      version,
      size: content.length,
      etag,
      modifiedAt: new Date(0),
      attributes,
    };
    return { content, file };
  }
}

/** Rejects when the signal is given. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(new QuorumError({ code: "cancelled", message: "given up" }));
    if (signal?.aborted === true) end();
    signal?.addEventListener("abort", end);
  });
}

/** Node 9 does not answer. */
function scrubOf(node: number): NodeScrub {
  if (node === 9)
    return { node, error: new QuorumError({ code: "unavailable", message: "node 9: connection refused" }) };
  return {
    node,
    scrub: {
      state: "running",
      passStartedAt: new Date(0),
      passEndedAt: undefined,
      bytesPerSecond: 1024,
      recordsChecked: 1,
      chunksChecked: 1,
      bytesChecked: 1024,
      bytesTotal: 4096,
      damage: { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 2, chunksRepaired: 1 },
    },
  };
}
