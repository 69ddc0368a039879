/**
 * The cluster as this process knows it: what is stored, and who is there. Whoever changes it stores the change first.
 *
 * Revisions. A node's health is published too, and is not worth a fsync. So revisions are not stored: a revision is made
 * of the number of the SuperNode's starts, which is stored, and a count of this run. It never goes back.
 */
import { type Layout, type NodeId, QuorumError } from "@quorumfs/core";
import { type Bucket, type Cluster, type Load, type Node, NodeRole, NodeState } from "@quorumfs/proto";
import type { Health } from "../membership/membership.js";
import { News } from "../news.js";
import type { ControlChange, ControlStore } from "./control-store.js";
import { layoutFromWire } from "./layout-wire.js";
import type { Member } from "./member.js";

/** Changes of one run; 2^21 runs of as many changes fit below 2^53. */
const revisionsPerStart = 2 ** 32;

/** What is known of a member beyond what it said at its Join. */
interface Observation {
  readonly health: Health;
  readonly sinceMs: number;
  readonly load: Load | undefined;
  /** Revision that the node says it follows. */
  readonly revision: number;
}

export class ClusterState {
  readonly clusterId: string;
  readonly replicas: number;
  /** Tells of every new revision. */
  readonly changed = new News();
  /** Tells of every beat. */
  readonly beaten = new News();
  readonly #store: ControlStore;
  readonly #members = new Map<NodeId, Member>();
  readonly #observations = new Map<NodeId, Observation>();
  readonly #buckets = new Map<string, Bucket>();
  #layout: Layout | undefined;
  #layoutMessage: Cluster["layout"];
  #revision: number;
  #cluster: Cluster | undefined;

  constructor(options: { readonly store: ControlStore; readonly wallMs: number }) {
    const { store, wallMs } = options;
    const { members, layout, buckets } = store.read();
    this.#store = store;
    this.clusterId = store.identity.clusterId;
    this.replicas = store.identity.replicas;
    this.#revision = store.identity.starts * revisionsPerStart;
    for (const member of members) {
      this.#members.set(member.id, member);
      this.#observations.set(member.id, { health: "suspect", sinceMs: wallMs, load: undefined, revision: 0 });
    }
    for (const bucket of buckets) this.#buckets.set(bucket.name, bucket);
    this.#layoutMessage = layout;
    this.#layout = layout && layoutFromWire(layout);
  }

  get revision(): number {
    return this.#revision;
  }

  get layout(): Layout | undefined {
    return this.#layout;
  }

  /** In order of id. */
  get members(): readonly Member[] {
    return [...this.#members.values()].sort((a, b) => a.id - b.id);
  }

  /** In order of name. */
  get buckets(): readonly Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get nextBucketId(): number {
    return this.#store.nextBucketId;
  }

  member(id: NodeId): Member | undefined {
    return this.#members.get(id);
  }

  bucket(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** @throws QuorumError `not_found` */
  requireBucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket) return bucket;
    throw new QuorumError({ code: "not_found", message: `there is no bucket ${JSON.stringify(name)}` });
  }

  healthOf(id: NodeId): Health {
    return this.#observations.get(id)?.health ?? "down";
  }

  /** Revision that the node says it follows; 0 while it has not said. */
  followedBy(id: NodeId): number {
    return this.#observations.get(id)?.revision ?? 0;
  }

  /** Stores a change, then publishes it. */
  async apply(change: ControlChange): Promise<void> {
    await this.#store.commit(change);
    if (change.member) this.#members.set(change.member.id, change.member);
    for (const member of change.otherMembers ?? []) this.#members.set(member.id, member);
    if (change.layout) {
      this.#layoutMessage = change.layout;
      this.#layout = layoutFromWire(change.layout);
    }
    if (change.bucket) this.#buckets.set(change.bucket.name, change.bucket);
    if (change.removedBucket) this.#buckets.delete(change.removedBucket.name);
    this.#publish();
  }

  setHealth(id: NodeId, health: Health, wallMs: number): void {
    const before = this.#observations.get(id);
    const load = health === "down" ? undefined : before?.load;
    this.#observations.set(id, { health, sinceMs: wallMs, load, revision: before?.revision ?? 0 });
    this.#publish();
  }

  /** Not published by itself: watchers hear of loads in their own time. */
  setBeat(id: NodeId, beat: { readonly load: Load | undefined; readonly revision: number }): void {
    const before = this.#observations.get(id);
    if (before) this.#observations.set(id, { ...before, load: beat.load ?? before.load, revision: beat.revision });
  }

  loadOf(id: NodeId): Load | undefined {
    return this.#observations.get(id)?.load;
  }

  /** Everything, as watchers get it. The same object until something changes. */
  get cluster(): Cluster {
    return (this.#cluster ??= {
      clusterId: this.clusterId,
      revision: this.#revision,
      layout: this.#layoutMessage,
      // Loads go their own way, so that one cluster is encoded per change and not per second.
      nodes: this.members.map((member) => ({ ...this.#node(member), load: undefined })),
      buckets: [...this.buckets],
      replicas: this.replicas,
      formerNodes: [],
    });
  }

  /** All members with their loads as they are now. */
  get nodes(): Node[] {
    return this.members.map((member) => this.#node(member));
  }

  #node(member: Member): Node {
    const { id, address, zone, capacityBytes, incarnation, version } = member;
    const observation = this.#observations.get(id);
    return {
      id,
      address,
      zone,
      capacityBytes,
      incarnation,
      version,
      state: stateToWire[this.healthOf(id)],
      stateSinceMs: observation?.sinceMs ?? 0,
      load: observation?.load,
      role: NodeRole.NODE_ROLE_ACTIVE,
    };
  }

  #publish(): void {
    this.#revision += 1;
    this.#cluster = undefined;
    this.changed.announce();
  }
}

const stateToWire: Readonly<Record<Health, NodeState>> = {
  up: NodeState.NODE_STATE_UP,
  suspect: NodeState.NODE_STATE_SUSPECT,
  down: NodeState.NODE_STATE_DOWN,
};
