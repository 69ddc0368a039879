/**
 * Reads what several nodes hold of some partitions, a window of files at a time: each node is asked from where the last window
 * ended until it has told so many records, or all, and a file counts as told by each of them as far as the least far of them came.
 *
 * No node's list waits for another's: whoever held back a list that is under way could wait for somebody who waits for it.
 */
import {
  type BucketId,
  type Clock,
  comparePaths,
  type HeldState,
  type NodeId,
  type PartitionId,
  partitionOf,
  QuorumError,
  zeroBallot,
} from "@quorumfs/core";
import type { Peers } from "../coordinator/peers.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { type PulledRecord, pullRecords } from "../sync/pull-records.js";
import type { PartitionVersion } from "./holdings.js";

/** Records that one node tells for a window: some 2 MiB in memory with long paths, and four of its messages. */
const windowRecords = 4096;

export interface FileName {
  readonly bucket: BucketId;
  readonly path: string;
}

/** A file, as the nodes that hold anything of it said; who is not in `held` has no record. */
export interface WindowFile extends FileName {
  readonly partition: PartitionId;
  readonly held: ReadonlyMap<NodeId, HeldState>;
}

export interface RecordWindow {
  /** In no order. */
  readonly files: readonly WindowFile[];
  /** Who has told all of the window. */
  readonly told: ReadonlySet<NodeId>;
  /** Why the others have not. */
  readonly failures: ReadonlyMap<NodeId, QuorumError>;
  /** Where the next window begins; undefined: this was the last one. */
  readonly reach: FileName | undefined;
  /** On the last window, of each partition the highest floor of those who told. */
  readonly floors: ReadonlyMap<PartitionId, number>;
}

/** One partition, and who is asked about it. */
export interface WindowPartition extends PartitionVersion {
  readonly sources: readonly NodeId[];
}

export interface RecordWindowsOptions {
  readonly self: NodeId;
  readonly replica: Pick<LocalReplica, "survey" | "floorsOf">;
  readonly context: Pick<ReplicaContext, "layout">;
  readonly peers: Pick<Peers, "find">;
  readonly clock: Clock;
}

/** What one node has told of a window. */
interface Told {
  readonly records: readonly PulledRecord[];
  /** Undefined: it has more. */
  readonly floors: ReadonlyMap<number, number> | undefined;
}

export class RecordWindows {
  readonly #options: RecordWindowsOptions;

  constructor(options: RecordWindowsOptions) {
    this.#options = options;
  }

  /** This node is among those that are asked, whether it is among the sources or not. Never throws. */
  async read(
    partitions: readonly WindowPartition[],
    after: FileName | undefined,
    signal: AbortSignal,
  ): Promise<RecordWindow> {
    const { self } = this.#options;
    const bySource = new Map<NodeId, WindowPartition[]>([[self, [...partitions]]]);
    for (const partition of partitions) {
      for (const node of partition.sources) {
        if (node === self) continue;
        const others = bySource.get(node);
        if (others) others.push(partition);
        else bySource.set(node, [partition]);
      }
    }
    const tales = new Map<NodeId, Told>();
    const failures = new Map<NodeId, QuorumError>();
    await Promise.all(
      [...bySource].map(async ([node, wanted]) => {
        // A signal of its own each: so many listeners at one would look like a leak.
        try {
          tales.set(
            node,
            await (node === self
              ? this.#own(wanted, after)
              : this.#pull(node, wanted, after, AbortSignal.any([signal]))),
          );
        } catch (thrown) {
          failures.set(node, QuorumError.from(thrown));
        }
      }),
    );
    return this.#joined(tales, failures);
  }

  async #own(partitions: readonly WindowPartition[], after: FileName | undefined): Promise<Told> {
    const { replica } = this.#options;
    const wanted = new Set<number>(partitions.map(({ partition }) => partition));
    const wants = ({ bucket, path }: FileName): boolean => wanted.has(this.#partitionOf(bucket, path));
    const records: PulledRecord[] = [];
    for await (const found of replica.survey({ wants, ...(after && { after }) })) {
      records.push(...found);
      if (records.length >= windowRecords) return { records, floors: undefined };
    }
    const floors = await replica.floorsOf(wanted);
    return { records, floors: new Map([...floors].map(([partition, floor]) => [partition, floor ?? 0])) };
  }

  async #pull(
    node: NodeId,
    partitions: readonly WindowPartition[],
    after: FileName | undefined,
    signal: AbortSignal,
  ): Promise<Told> {
    const { peers, clock } = this.#options;
    const peer = peers.find(node);
    if (!peer) throw new QuorumError({ code: "unavailable", message: `the address of DataNode ${node} is not known` });
    const records: PulledRecord[] = [];
    for await (const page of pullRecords({ channel: peer.bulk, partitions, clock, signal, ...(after && { after }) })) {
      if (page.kind === "floors") return { records, floors: page.floors };
      records.push(...page.records);
      if (records.length >= windowRecords) break;
    }
    return { records, floors: undefined };
  }

  #joined(tales: ReadonlyMap<NodeId, Told>, failures: ReadonlyMap<NodeId, QuorumError>): RecordWindow {
    const reach = reachOf([...tales.values()]);
    const files = new Map<string, WindowFile & { readonly held: Map<NodeId, HeldState> }>();
    const floors = new Map<PartitionId, number>();
    for (const [node, { records, floors: told }] of tales) {
      for (const record of records) {
        const { bucket, path } = record;
        if (reach && compareNames(record, reach) > 0) break;
        const name = `${bucket}/${path}`;
        let file = files.get(name);
        if (!file)
          files.set(name, (file = { bucket, path, partition: this.#partitionOf(bucket, path), held: new Map() }));
        file.held.set(node, heldStateOf(record));
      }
      if (reach || !told) continue;
      for (const [number, floor] of told) {
        const partition = number as PartitionId;
        floors.set(partition, Math.max(floor, floors.get(partition) ?? 0));
      }
    }
    return { files: [...files.values()], told: new Set(tales.keys()), failures, reach, floors };
  }

  #partitionOf(bucket: BucketId, path: string): PartitionId {
    return partitionOf(bucket, path, this.#options.context.layout()?.partitions.length);
  }
}

/** The least far of those that have more. */
function reachOf(tales: readonly Told[]): FileName | undefined {
  let reach: FileName | undefined;
  for (const { records, floors } of tales) {
    const last = records.at(-1);
    if (!floors && last && (!reach || compareNames(last, reach) < 0)) reach = last;
  }
  return reach && { bucket: reach.bucket, path: reach.path };
}

function compareNames(a: FileName, b: FileName): number {
  return a.bucket - b.bucket || comparePaths(a.path, b.path);
}

function heldStateOf(record: PulledRecord): HeldState {
  if (record.kind === "corrupt") return { kind: "corrupt" };
  const { accepted, committed } = record;
  return { kind: "record", accepted, committed: committed ?? zeroBallot };
}
