/**
 * What the SuperNode must not forget: the cluster's identity, its members, its layout and what is to become of it, its
 * buckets. Each change is one commit, durable before anybody hears of it.
 */
import { type Disk, QuorumError, type Random, type TableWrite, type Targets } from "@quorumfs/core";
import { Bucket, Layout } from "@quorumfs/proto";
import { SealedTable } from "@quorumfs/runtime";
import { replicasDefault } from "../config.js";
import { type Change, decodeChange, decodeTargets, encodeChange, encodeTargets } from "../layout/change.js";
import { type Identity, decodeIdentity, encodeIdentity, identityFormat } from "./identity.js";
import { decodeFormer, decodeMember, encodeFormer, encodeMember, type FormerNode, type Member } from "./member.js";

/** What was in the store when it was opened. */
export interface StoredCluster {
  readonly members: readonly Member[];
  readonly formers: readonly FormerNode[];
  readonly layout: Layout | undefined;
  /** Where the change that was begun last wants everything. */
  readonly targets: Targets | undefined;
  /** In order of id. */
  readonly changes: readonly Change[];
  readonly buckets: readonly Bucket[];
}

/** One atomic change. */
export interface ControlChange {
  readonly members?: readonly Member[];
  /** Members that have left: they are members no more. */
  readonly retired?: readonly FormerNode[];
  readonly layout?: Layout;
  readonly targets?: Targets;
  readonly changes?: readonly Change[];
  /** Id of a change that is forgotten. */
  readonly droppedChange?: number;
  readonly buckets?: readonly Bucket[];
  readonly removedBuckets?: readonly Bucket[];
}

const identityKey = Buffer.from("identity");
const layoutKey = Buffer.from("layout");
const targetsKey = Buffer.from("targets");

export class ControlStore {
  readonly #disk: Disk;
  readonly #meta: SealedTable;
  readonly #members: SealedTable;
  readonly #formers: SealedTable;
  readonly #changes: SealedTable;
  readonly #buckets: SealedTable;
  #identity: Identity;

  private constructor(disk: Disk, identity: Identity) {
    this.#disk = disk;
    this.#meta = new SealedTable(disk.table("meta"));
    this.#members = new SealedTable(disk.table("members"));
    this.#formers = new SealedTable(disk.table("former-members"));
    this.#changes = new SealedTable(disk.table("layout-changes"));
    this.#buckets = new SealedTable(disk.table("buckets"));
    this.#identity = identity;
  }

  /**
   * Opens the store, makes a cluster if there is none, and counts this start.
   *
   * @param options.replicas N; 0 takes what the store says, or the default for a new cluster
   * @throws QuorumError `invalid_argument` when the cluster in the store has another N; `corrupt`
   */
  static async open(options: { disk: Disk; random: Random; replicas: number }): Promise<ControlStore> {
    const { disk, random, replicas } = options;
    const known: Identity = ControlStore.identityOn(disk) ?? {
      format: identityFormat,
      clusterId: Buffer.from(random.bytes(16)).toString("hex"),
      replicas: replicas === 0 ? replicasDefault : replicas,
      starts: 0,
      changes: 0,
      bucketsMade: 0,
    };
    if (replicas !== 0 && replicas !== known.replicas) {
      throw new QuorumError({
        code: "invalid_argument",
        message: `this cluster keeps ${known.replicas} replicas of a file, and that cannot be changed to ${replicas}`,
      });
    }
    const store = new ControlStore(disk, { ...known, starts: known.starts + 1, changes: known.changes + 1 });
    await disk.commit([store.#identityWrite()]);
    return store;
  }

  /** Opens the store as it is, and counts nothing: for making it anew from elsewhere. */
  static peek(disk: Disk, identity: Identity): ControlStore {
    return new ControlStore(disk, identity);
  }

  /**
   * The cluster that a store is of; undefined for an empty one.
   *
   * @throws QuorumError `corrupt`
   */
  static identityOn(disk: Disk): Identity | undefined {
    const bytes = new SealedTable(disk.table("meta")).get(identityKey);
    return bytes && decodeIdentity(bytes);
  }

  get identity(): Identity {
    return this.#identity;
  }

  read(): StoredCluster {
    const layout = this.#meta.get(layoutKey);
    const targets = this.#meta.get(targetsKey);
    return {
      members: this.#members.entries().map(({ value }) => decodeMember(value)),
      formers: this.#formers.entries().map(({ value }) => decodeFormer(value)),
      layout: layout && Layout.decode(layout),
      targets: targets && decodeTargets(targets),
      changes: this.#changes.entries().map(({ value }) => decodeChange(value)),
      buckets: this.#buckets.entries().map(({ value }) => Bucket.decode(value)),
    };
  }

  /** The id of the next bucket; spent by the commit that stores a bucket with it. */
  get nextBucketId(): number {
    return this.#identity.bucketsMade + 1;
  }

  /** Makes rows durable that nobody else is told of: no change of the cluster. */
  async record(members: readonly Member[]): Promise<void> {
    await this.#disk.commit(members.map((member) => this.#members.write(idKey(member.id), encodeMember(member))));
  }

  /** Resolves when the change is durable. */
  async commit(change: ControlChange): Promise<void> {
    this.#identity = { ...this.#identity, changes: this.#identity.changes + 2 };
    const writes: TableWrite[] = [];
    for (const member of change.members ?? []) {
      writes.push(this.#members.write(idKey(member.id), encodeMember(member)));
    }
    for (const former of change.retired ?? []) {
      writes.push(this.#members.write(idKey(former.id), undefined));
      writes.push(this.#formers.write(idKey(former.id), encodeFormer(former)));
    }
    if (change.layout) writes.push(this.#meta.write(layoutKey, Layout.encode(change.layout).finish()));
    if (change.targets) writes.push(this.#meta.write(targetsKey, encodeTargets(change.targets)));
    for (const one of change.changes ?? []) writes.push(this.#changes.write(idKey(one.id), encodeChange(one)));
    if (change.droppedChange !== undefined) writes.push(this.#changes.write(idKey(change.droppedChange), undefined));
    for (const bucket of change.buckets ?? []) {
      writes.push(this.#buckets.write(idKey(bucket.id), Bucket.encode(bucket).finish()));
      const bucketsMade = Math.max(this.#identity.bucketsMade, bucket.id);
      this.#identity = { ...this.#identity, bucketsMade };
    }
    for (const { id } of change.removedBuckets ?? []) writes.push(this.#buckets.write(idKey(id), undefined));
    writes.push(this.#identityWrite());
    await this.#disk.commit(writes);
  }

  #identityWrite(): TableWrite {
    return this.#meta.write(identityKey, encodeIdentity(this.#identity));
  }
}

/** Big-endian, so that a scan comes in order of id. */
function idKey(id: number): Uint8Array {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(id);
  return key;
}
