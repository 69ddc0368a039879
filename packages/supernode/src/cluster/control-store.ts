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
  readonly bucket?: Bucket;
  readonly removedBucket?: Bucket;
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
    const bytes = new SealedTable(disk.table("meta")).get(identityKey);
    const known: Identity = bytes
      ? decodeIdentity(bytes)
      : {
          format: identityFormat,
          clusterId: Buffer.from(random.bytes(16)).toString("hex"),
          replicas: replicas === 0 ? replicasDefault : replicas,
          starts: 0,
          bucketsMade: 0,
        };
    if (replicas !== 0 && replicas !== known.replicas) {
      throw new QuorumError({
        code: "invalid_argument",
        message: `this cluster keeps ${known.replicas} replicas of a file, and that cannot be changed to ${replicas}`,
      });
    }
    const store = new ControlStore(disk, { ...known, starts: known.starts + 1 });
    await disk.commit([store.#identityWrite()]);
    return store;
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

  /** Resolves when the change is durable. */
  async commit(change: ControlChange): Promise<void> {
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
    if (change.bucket) {
      writes.push(this.#buckets.write(idKey(change.bucket.id), Bucket.encode(change.bucket).finish()));
      if (change.bucket.id > this.#identity.bucketsMade) {
        this.#identity = { ...this.#identity, bucketsMade: change.bucket.id };
        writes.push(this.#identityWrite());
      }
    }
    if (change.removedBucket) {
      writes.push(this.#buckets.write(idKey(change.removedBucket.id), undefined));
    }
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
