import {
  bucketId,
  type Channel,
  comparePaths,
  type Duplex,
  fileHashOf,
  type Listener,
  type Network,
  partitionOf,
  recordHashLow,
  unaryRoute,
} from "@quorumfs/core";
import {
  type Activity,
  type Cluster,
  ClusterServiceService,
  type FileColumns,
  type GetMemoryResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type JoinRequest,
  Load,
  MaintenanceServiceService,
  NoticedEvent,
  type RangeEntry,
  ReplicaServiceService,
  type ScanWindowRequest,
  Value,
} from "@quorumfs/proto";
import type { VirtualClock } from "./virtual-clock.js";

export interface FakeFile {
  readonly bucket: number;
  readonly path: string;
  readonly counter: number;
  readonly size?: number;
  readonly tombstone?: boolean;
  readonly corrupt?: boolean;
  /** Default: its counter. */
  readonly modifiedAtMs?: number;
}

/** What a SuperNode sees of a DataNode: joins, beats, follows, and tells what it holds. */
export class FakeDataNode {
  readonly #network: Network;
  readonly #clock: VirtualClock;
  readonly #superNode: string;
  readonly storeId: Uint8Array;
  #listener: Listener | undefined;
  #channel: Channel | undefined;
  #beats: Duplex<HeartbeatRequest, HeartbeatResponse> | undefined;
  #cancelBeat: () => void = () => undefined;
  #watch = new AbortController();
  #noticed = 0;
  id = 0;
  clusterId = "";
  incarnation = 0;
  files: readonly FakeFile[] = [];
  /** Records that it looks at in a window, at most. */
  windowRecords = Infinity;
  /** Called before it tells of a window. */
  onWindow: (request: ScanWindowRequest) => void = () => undefined;
  cluster: Cluster | undefined;
  /** What was said of loads last. */
  loads = 0;
  /** What its beats say besides its number. */
  load: Partial<Load> = {};
  /** Whether it tells the SuperNode which revision it follows. */
  follows = true;
  /** Whether it gets at once all of what it is to take over. */
  takesOver = true;
  /** Partitions that are not its own any more, of which it still has something. */
  leavingPartitions = 0;
  /** Why it gets no further. */
  obstacle = "";
  /** What its beats say that it did. */
  activity: Activity | undefined;
  /** What it has noticed, until the SuperNode has it. */
  events: readonly NoticedEvent[] = [];
  /** Whether it forgets what the SuperNode has. */
  forgets = true;
  /** What the SuperNode has said of its events, in order. */
  readonly acknowledged: number[] = [];
  commits = 1;
  /** 0 takes any. */
  port = 0;
  zone = "default";
  capacityBytes = 1000;

  constructor(options: { network: Network; clock: VirtualClock; superNode: string; storeId: Uint8Array }) {
    this.#network = options.network;
    this.#clock = options.clock;
    this.#superNode = options.superNode;
    this.storeId = options.storeId;
  }

  async start(given: Partial<JoinRequest> = {}): Promise<void> {
    this.incarnation += 1;
    this.#noticed = 0;
    this.events = [];
    const scan = unaryRoute(ReplicaServiceService.scanWindow, async (request) => this.#window(request));
    const memory = unaryRoute(MaintenanceServiceService.getMemory, async () => this.#memory());
    const port = this.port;
    this.#listener = await this.#network.listen({ host: "127.0.0.1", port, routes: [scan, memory] });
    await this.join(given);
    this.#followForever().catch(() => undefined);
    this.beat();
  }

  get address(): string {
    return this.#listener?.address ?? "127.0.0.1:1";
  }

  async join(given: Partial<JoinRequest> = {}): Promise<void> {
    this.#channel ??= this.#network.connect({ address: this.#superNode, purpose: "control", identity: new Map() });
    const joined = await this.#channel.unary(
      ClusterServiceService.join,
      {
        clusterId: this.clusterId,
        nodeId: this.id,
        storeId: this.storeId,
        address: this.address,
        zone: this.zone,
        capacityBytes: this.capacityBytes,
        incarnation: this.incarnation,
        layout: this.cluster?.layout?.number ?? 0,
        version: "1.0.0",
        runId: new Uint8Array(16).fill(this.incarnation),
        commits: this.commits,
        revision: this.cluster?.revision ?? 0,
        metricsAddress: "",
        ...given,
      },
      {},
    );
    this.id = joined.nodeId;
    this.clusterId = joined.clusterId;
    this.cluster = joined.cluster;
  }

  /** Its SuperNode has started anew: joins, beats and follows again, as the same run. */
  async reconnect(): Promise<void> {
    this.#cancelBeat();
    this.#watch.abort();
    this.#watch = new AbortController();
    await this.join();
    this.#followForever().catch(() => undefined);
    this.beat();
  }

  /** Opens a stream of beats, one each half second. */
  beat(): void {
    const stream = this.#channel?.duplex(ClusterServiceService.heartbeat, {});
    this.#beats = stream;
    stream?.onMessage(({ eventsThrough }) => {
      this.acknowledged.push(eventsThrough);
      // As a DataNode does, unless it does not hear.
      if (this.forgets) this.events = this.events.filter(({ sequence }) => sequence > eventsThrough);
    });
    const next = (): void => {
      const revision = this.follows ? (this.cluster?.revision ?? 0) : 0;
      const { id: nodeId, incarnation, commits, leavingPartitions, obstacle } = this;
      const joiningPartitions = this.#joining().length;
      const sync = { joiningPartitions, leavingPartitions, obstacle };
      const load = Load.fromPartial({ inFlight: this.id, diskFreeBytes: 1e9, sync, ...this.load });
      const synced = this.takesOver && this.follows ? this.#joining() : [];
      const { activity, events } = this;
      stream?.write({ nodeId, incarnation, load, revision, synced, commits, activity, events: [...events] });
      this.#cancelBeat = this.#clock.after(500, next);
    };
    next();
  }

  /** Has something to tell with its next beat, and those after it. */
  notice(kind: string, message: string): void {
    this.#noticed += 1;
    this.events = [...this.events, NoticedEvent.fromPartial({ sequence: this.#noticed, kind, message, severity: 2 })];
  }

  /** The process hangs: nothing breaks, and nothing is said. */
  freeze(): void {
    this.#cancelBeat();
  }

  /** The process is gone, as by kill -9. */
  async kill(): Promise<void> {
    this.#cancelBeat();
    this.#beats?.cancel();
    this.#watch.abort();
    this.#watch = new AbortController();
    this.#channel?.close();
    this.#channel = undefined;
    await this.#listener?.close(0);
  }

  /** What it is to take over, by the last cluster that it has heard of. */
  #joining(): { partition: number; layout: number }[] {
    const partitions = this.cluster?.layout?.partitions ?? [];
    return partitions.flatMap(({ joining, layout }, partition) =>
      joining.includes(this.id) ? [{ partition, layout }] : [],
    );
  }

  async #followForever(): Promise<void> {
    const { signal } = this.#watch;
    const watch = this.#channel?.serverStream(ClusterServiceService.watchLayout, { revision: 0 }, { signal });
    for await (const { update } of watch ?? []) {
      if (update?.$case === "cluster") this.cluster = update.value;
      else this.loads += 1;
    }
  }

  #memory(): GetMemoryResponse {
    const { clusterId, id: nodeId, storeId, incarnation, cluster } = this;
    return { clusterId, nodeId, storeId, incarnation, cluster };
  }

  #window(request: ScanWindowRequest) {
    this.onWindow(request);
    const { bucket, prefix, after, until, limit, parts, sizeMin, sizeMax = Infinity } = request;
    const partOf = (path: string) => parts[partitionOf(bucketId(bucket), path, parts.length)] ?? 0;
    const inRange = this.files
      .filter((file) => file.bucket === bucket && file.path.startsWith(prefix))
      .filter(
        ({ path }) =>
          (after === "" || comparePaths(path, after) > 0) && (until === "" || comparePaths(path, until) <= 0),
      )
      .sort((a, b) => comparePaths(a.path, b.path));
    const looked = inRange.slice(0, Math.min(limit, this.windowRecords));
    const told = looked.filter(({ path }) => partOf(path) > 0);
    const matches = ({ path, size = 0, tombstone = false, corrupt = false }: FakeFile): boolean =>
      !tombstone && !corrupt && size >= sizeMin && size <= sizeMax && [2, 3].includes(partOf(path));
    return {
      truncated: looked.length < inRange.length,
      lastPath: looked.length < inRange.length ? (looked.at(-1)?.path ?? "") : "",
      tallies: talliesOf(told, (path) => partitionOf(bucketId(bucket), path, parts.length), matches),
      rows: columnsOf(
        told.filter((file) => matches(file) && partOf(file.path) === 3),
        parts.length,
      ),
      copies: told.filter(({ path }) => partOf(path) === 4).map(entryOf),
    };
  }
}

function talliesOf(
  files: readonly FakeFile[],
  partitionFor: (path: string) => number,
  matches: (file: FakeFile) => boolean,
): Uint8Array {
  const byPartition = new Map<number, FakeFile[]>();
  for (const file of files) {
    // Of a damaged record nobody knows whether it was a tombstone.
    if (file.tombstone === true && file.corrupt !== true) continue;
    const partition = partitionFor(file.path);
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), file]);
  }
  const tallies = [...byPartition].map(([partition, some]) => {
    const tally = Buffer.alloc(28);
    const matching = some.filter(matches);
    tally.writeUInt32LE(partition, 0);
    tally.writeUInt32LE(matching.length, 4);
    tally.writeUInt32LE(some.filter(({ corrupt }) => corrupt === true).length, 8);
    for (const { bucket, path, counter, corrupt } of some) {
      if (corrupt === true) continue;
      const key = Buffer.from(`\0\0\0${String.fromCharCode(bucket)}${path}`);
      const version = { counter, node: 1, incarnation: 1 };
      tally.writeUInt32LE((tally.readUInt32LE(12) ^ recordHashLow(fileHashOf(key), version)) >>> 0, 12);
    }
    tally.writeDoubleLE(
      matching.reduce((sum, { size = 0 }) => sum + size, 0),
      20,
    );
    return tally;
  });
  return Buffer.concat(tallies);
}

function columnsOf(files: readonly FakeFile[], partitions: number): FileColumns {
  const doubles = (values: readonly number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);
  const partitionOfFile = ({ bucket, path }: FakeFile) => partitionOf(bucketId(bucket), path, partitions);
  return {
    count: files.length,
    paths: Buffer.from(files.map(({ path }) => path).join("\n")),
    versions: doubles(files.map(({ counter }) => counter)),
    sizes: doubles(files.map(({ size = 0 }) => size)),
    modifiedAtMs: doubles(files.map(({ counter }) => counter)),
    etags: new Uint8Array(32 * files.length),
    partitions: new Uint8Array(Uint32Array.from(files.map(partitionOfFile)).buffer),
  };
}

export function entryOf(file: FakeFile): RangeEntry {
  const { path, counter, size = 0, tombstone = false, corrupt = false, modifiedAtMs = counter } = file;
  const ballot = { counter, node: 1, incarnation: 1 };
  if (corrupt) return { path, accepted: undefined, value: undefined, committed: undefined, corrupt };
  const value = Value.fromPartial({ tombstone, version: ballot, size, modifiedAtMs });
  return { path, accepted: ballot, value, committed: undefined, corrupt: false };
}
