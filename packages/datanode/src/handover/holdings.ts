/**
 * Which partitions this node holds, durably (PROTOCOL.md, "Layout change"). A node votes on a partition, and tells of it, only
 * while its row says `held`:
 *
 *     no row     it has nothing of the partition
 *     held       it has what it was given since it began; `joined` is the layout with which it did, 0 for the cluster's first
 *     dropping   what it has does not count any more, and something may be left
 *
 * Who begins joining begins with nothing: what is left from an earlier time could bring back a file whose tombstone has been
 * erased meanwhile. So a row changes in the same commit as the view that it follows from, and goes back to `held` only when
 * everything is gone.
 */
import { Buffer } from "node:buffer";
import { type Disk, type Log, type PartitionId, QuorumError, type TableWrite } from "@quorumfs/core";
import { SealedTable } from "@quorumfs/runtime";
import type { ViewCompanion } from "../cluster/cluster-store.js";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { LocalNode } from "../cluster/local-node.js";

interface Holding {
  readonly state: "held" | "dropping";
  /** Number of the layout with which the node joined the partition; 0: it was there from the first one. */
  readonly joined: number;
  /** Number of the last joint layout of which this node has everything that it was to fetch; 0: none. */
  readonly synced: number;
}

/** Rows that are to change; undefined: there is none any more. */
type Changes = ReadonlyMap<PartitionId, Holding | undefined>;

/** A partition as a layout has it. */
export interface PartitionVersion {
  readonly partition: PartitionId;
  /** `layout` of its assignment. */
  readonly layout: number;
}

const keyBytes = 4;
const at = { state: 0, joined: 1, synced: 9, end: 17 } as const;
const states = ["held", "dropping"] as const;

export interface HoldingsOptions {
  readonly disk: Disk;
  readonly self: Pick<LocalNode, "member">;
  readonly log: Log;
}

export class Holdings implements ViewCompanion {
  readonly #options: HoldingsOptions;
  readonly #table: SealedTable;
  /** As it will be when all commits under way are durable. */
  readonly #written: Map<PartitionId, Holding>;
  /** As it is on disk, and as everybody acts. */
  readonly #durable: Map<PartitionId, Holding>;
  readonly #listeners = new Set<() => void>();
  /** The newest view, followed or about to be. */
  #view: ClusterView | undefined;
  /** Undefined: it has to be looked at again. */
  #holdsAll: boolean | undefined;

  /** @throws QuorumError `corrupt` */
  constructor(options: HoldingsOptions) {
    this.#options = options;
    this.#table = new SealedTable(options.disk.table("holdings"));
    this.#written = new Map(this.#table.entries().map(({ key, value }) => [partitionIn(key), decode(value)]));
    this.#durable = new Map(this.#written);
  }

  /** Whether this node may vote on the partition, and speak for it. */
  holds(partition: number): boolean {
    return this.#durable.get(partition as PartitionId)?.state === "held";
  }

  /** Whether this node holds every partition on which it is to vote. */
  get holdsAll(): boolean {
    return (this.#holdsAll ??= this.#lacksNone());
  }

  /** Partitions of which something may be left here that does not count any more. */
  get dropping(): readonly PartitionId[] {
    return [...this.#durable].filter(([, { state }]) => state === "dropping").map(([partition]) => partition);
  }

  /** Whether all that this joint layout asks for is here, durably. */
  isSynced({ partition, layout }: PartitionVersion): boolean {
    const holding = this.#durable.get(partition);
    return holding?.state === "held" && holding.synced === layout;
  }

  /** Calls `listener` when a partition was begun or forgotten. Returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  resume(view: ClusterView): void {
    this.#view = view;
    if (this.#written.size > 0 || !view.layout) return;
    // A store from before there were rows holds what its layout says.
    const changes = this.#changesBy(view, { isFirst: true });
    const writes = this.#write(changes);
    for (const [partition, holding] of this.#written) this.#durable.set(partition, holding);
    // Until they are durable a restart comes to the same.
    if (writes.length > 0) {
      this.#options.disk
        .commit(writes)
        .catch((error: unknown) => this.#options.log.error("holdings.failed", { error }));
    }
  }

  prepare(view: ClusterView): { readonly writes: readonly TableWrite[]; readonly follow: () => void } {
    const isFirst = !this.#view?.layout;
    this.#view = view;
    const changes = this.#changesBy(view, { isFirst });
    const follow = () => {
      this.#holdsAll = undefined;
      this.#onDurable(changes);
    };
    return { writes: this.#write(changes), follow };
  }

  /**
   * Begins to hold partitions of which nothing is left, for the joint layouts of these numbers; those that have changed
   * since are left out. Resolves when durable.
   */
  async begin(partitions: readonly PartitionVersion[]): Promise<void> {
    const isDue = ({ partition, layout }: PartitionVersion) =>
      this.#written.get(partition)?.state === "dropping" &&
      this.#roleIn(this.#view, partition) === "joins" &&
      this.#view?.layout?.partitions[partition]?.layout === layout;
    await this.#change(
      partitions
        .filter(isDue)
        .map(({ partition, layout }) => [partition, { state: "held", joined: layout, synced: 0 }]),
    );
  }

  /** Everything that these joint layouts ask for is here. Resolves when that is durable. */
  async markSynced(partitions: readonly PartitionVersion[]): Promise<void> {
    await this.#change(
      partitions.flatMap(({ partition, layout }) => {
        const before = this.#written.get(partition);
        return before?.state === "held" ? [[partition, { ...before, synced: layout }]] : [];
      }),
    );
  }

  /** Nothing is left of these partitions. Resolves when that is durable. */
  async forget(partitions: readonly PartitionId[]): Promise<void> {
    const isDue = (partition: PartitionId) =>
      this.#written.get(partition)?.state === "dropping" && this.#roleIn(this.#view, partition) === "none";
    await this.#change(partitions.filter(isDue).map((partition) => [partition, undefined]));
  }

  async #change(rows: readonly (readonly [PartitionId, Holding | undefined])[]): Promise<void> {
    if (rows.length === 0) return;
    const changes = new Map(rows);
    await this.#options.disk.commit(this.#write(changes));
    this.#onDurable(changes);
  }

  #changesBy(view: ClusterView, { isFirst }: { readonly isFirst: boolean }): Changes {
    const changes = new Map<PartitionId, Holding>();
    for (const [index, { layout }] of (view.layout?.partitions ?? []).entries()) {
      const partition = index as PartitionId;
      const before = this.#written.get(partition);
      const role = this.#roleIn(view, partition);
      if (role === "holds") {
        if (before?.state === "held") continue;
        // A first layout is made by nodes that have nothing. Later, nobody holds a partition who has not joined it first.
        if (isFirst) changes.set(partition, { state: "held", joined: 0, synced: 0 });
        else this.#options.log.error("holdings.not-joined", { partition, layout, state: before?.state });
      } else if (role === "joins" && !before) {
        changes.set(partition, { state: "held", joined: layout, synced: 0 });
      } else if (before?.state === "held" && (role === "none" || before.joined !== layout)) {
        changes.set(partition, { ...before, state: "dropping" });
      }
    }
    return changes;
  }

  #roleIn(view: ClusterView | undefined, partition: PartitionId): "holds" | "joins" | "none" {
    const assignment = view?.layout?.partitions[partition];
    const self = this.#options.self.member?.nodeId;
    if (!assignment || self === undefined) return "none";
    if (assignment.nodes.includes(self)) return "holds";
    return assignment.joining.includes(self) ? "joins" : "none";
  }

  #lacksNone(): boolean {
    const partitions = this.#view?.layout?.partitions ?? [];
    return partitions.every((_, index) => {
      return this.holds(index) || this.#roleIn(this.#view, index as PartitionId) === "none";
    });
  }

  #write(changes: Changes): readonly TableWrite[] {
    return [...changes].map(([partition, holding]) => {
      if (holding) this.#written.set(partition, holding);
      else this.#written.delete(partition);
      return this.#table.write(keyOf(partition), holding && encode(holding));
    });
  }

  #onDurable(changes: Changes): void {
    if (changes.size === 0) return;
    this.#holdsAll = undefined;
    for (const [partition, holding] of changes) {
      // Something newer is on its way, and will count when it is durable.
      if (this.#written.get(partition) !== holding) continue;
      if (holding) this.#durable.set(partition, holding);
      else this.#durable.delete(partition);
    }
    for (const listener of this.#listeners) listener();
  }
}

function keyOf(partition: PartitionId): Buffer {
  const key = Buffer.allocUnsafe(keyBytes);
  key.writeUInt32BE(partition, 0);
  return key;
}

function partitionIn(key: Uint8Array): PartitionId {
  return Buffer.from(key).readUInt32BE(0) as PartitionId;
}

/** u8 state, f64 joined, f64 synced. */
function encode({ state, joined, synced }: Holding): Buffer {
  const row = Buffer.allocUnsafe(at.end);
  row.writeUInt8(states.indexOf(state), at.state);
  row.writeDoubleLE(joined, at.joined);
  row.writeDoubleLE(synced, at.synced);
  return row;
}

/** @throws QuorumError `corrupt` */
function decode(value: Uint8Array): Holding {
  const row = Buffer.from(value);
  const state = row.length === at.end ? states[row.readUInt8(at.state)] : undefined;
  if (!state) throw new QuorumError({ code: "corrupt", message: "a row of table holdings is of another format" });
  return { state, joined: row.readDoubleLE(at.joined), synced: row.readDoubleLE(at.synced) };
}
