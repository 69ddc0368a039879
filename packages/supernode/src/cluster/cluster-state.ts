/**
 * The cluster as this process knows it: what is stored, and who is there. Whoever changes it stores the change first.
 *
 * Revisions. A node's health is published too, and is not worth a fsync. So revisions are not stored: a revision is made
 * of the count of stored changes and starts, and of a count since the last of these. It never goes back.
 */
import { type Layout, type NodeId, QuorumError, type Targets } from "@quorumfs/core";
import { type Bucket, type Cluster, type HeartbeatRequest, type Load, type Node, NodeState } from "@quorumfs/proto";
import { type Change, isUnderWay } from "../layout/change.js";
import type { Health } from "../membership/membership.js";
import { News } from "../news.js";
import type { ControlChange, ControlStore } from "./control-store.js";
import { layoutFromWire } from "./layout-wire.js";
import { type FormerNode, type Member, roleToWire } from "./member.js";

/** What is published between two stored changes, at one a second for two years; 2^26 stored changes fit below 2^53. */
export const revisionsPerChange = 2 ** 26;

/** What is known of a member beyond what it said at its Join. */
interface Observation {
  readonly health: Health;
  readonly sinceMs: number;
  readonly load: Load | undefined;
  /** Revision that the node says it follows. */
  readonly revision: number;
  /** By partition that it is joining and holds all of: the layout in which it joins. */
  readonly synced: ReadonlyMap<number, number>;
}

const unheard = { load: undefined, revision: 0, synced: new Map<number, number>() };

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
  readonly #formers = new Map<NodeId, FormerNode>();
  readonly #changes = new Map<number, Change>();
  readonly #buckets = new Map<string, Bucket>();
  /** By number of a layout that was published in this run, and that partitions are still in: the revision that did. */
  readonly #layoutRevisions = new Map<number, number>();
  /** Members whose store is known to have more commits than is stored here. */
  readonly #unrecorded = new Set<NodeId>();
  readonly #firstRevision: number;
  #targets: Targets | undefined;
  #layout: Layout | undefined;
  #layoutMessage: Cluster["layout"];
  #revision: number;
  #cluster: Cluster | undefined;

  constructor(options: { readonly store: ControlStore; readonly wallMs: number }) {
    const { store, wallMs } = options;
    const { members, formers, layout, targets, changes, buckets } = store.read();
    this.#store = store;
    this.clusterId = store.identity.clusterId;
    this.replicas = store.identity.replicas;
    this.#firstRevision = store.identity.changes * revisionsPerChange;
    this.#revision = this.#firstRevision;
    for (const member of members) {
      this.#members.set(member.id, member);
      this.#observations.set(member.id, { ...unheard, health: "suspect", sinceMs: wallMs });
    }
    for (const former of formers) this.#formers.set(former.id, former);
    for (const change of changes) this.#changes.set(change.id, change);
    this.#targets = targets;
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

  get formers(): readonly FormerNode[] {
    return [...this.#formers.values()].sort((a, b) => a.id - b.id);
  }

  /** In order of id. */
  get changes(): readonly Change[] {
    return [...this.#changes.values()].sort((a, b) => a.id - b.id);
  }

  /** The change of the layout that is under way. */
  get change(): Change | undefined {
    return this.changes.findLast(isUnderWay);
  }

  /** Where the change that was begun last wants everything. */
  get targets(): Targets | undefined {
    return this.#targets;
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

  /** Whether the node follows the layout of this number, or a later one. */
  hasLearned(id: NodeId, layout: number): boolean {
    return this.followedBy(id) >= (this.#layoutRevisions.get(layout) ?? this.#firstRevision);
  }

  /** Whether the node says that it holds all of a partition that it was to join in the layout of this number. */
  hasSynced(id: NodeId, partition: number, layout: number): boolean {
    return this.#observations.get(id)?.synced.get(partition) === layout;
  }

  /** Stores a change, then publishes it. */
  async apply(change: ControlChange): Promise<void> {
    await this.#store.commit(change);
    for (const member of change.members ?? []) this.#members.set(member.id, member);
    for (const former of change.retired ?? []) {
      this.#members.delete(former.id);
      this.#observations.delete(former.id);
      this.#unrecorded.delete(former.id);
      this.#formers.set(former.id, former);
    }
    if (change.targets) this.#targets = change.targets;
    for (const one of change.changes ?? []) this.#changes.set(one.id, one);
    if (change.droppedChange !== undefined) this.#changes.delete(change.droppedChange);
    for (const bucket of change.buckets ?? []) this.#buckets.set(bucket.name, bucket);
    for (const { name } of change.removedBuckets ?? []) this.#buckets.delete(name);
    if (change.layout) {
      this.#layoutMessage = change.layout;
      this.#layout = layoutFromWire(change.layout);
    }
    this.#publish();
    if (change.layout) this.#noteLayout(change.layout.number);
  }

  /** Makes what beats have said of stores durable. Nobody else is told. */
  async recordCommits(): Promise<void> {
    const members = [...this.#unrecorded].flatMap((id) => this.#members.get(id) ?? []);
    this.#unrecorded.clear();
    if (members.length > 0) await this.#store.record(members);
  }

  setHealth(id: NodeId, health: Health, wallMs: number): void {
    if (!this.#members.has(id)) return;
    const before = this.#observations.get(id) ?? unheard;
    const load = health === "down" ? undefined : before.load;
    this.#observations.set(id, { ...before, health, sinceMs: wallMs, load });
    this.#publish();
  }

  /** Not published by itself: watchers hear of loads in their own time. */
  setBeat(id: NodeId, beat: Pick<HeartbeatRequest, "load" | "revision" | "synced" | "commits">): void {
    const before = this.#observations.get(id);
    if (!before) return;
    const { load = before.load, revision, commits } = beat;
    const synced = new Map(beat.synced.map(({ partition, layout }) => [partition, layout]));
    this.#observations.set(id, { ...before, load, revision, synced });
    const member = this.#members.get(id);
    if (!member || commits <= member.commits) return;
    this.#members.set(id, { ...member, commits });
    this.#unrecorded.add(id);
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
      formerNodes: this.formers.map(({ id }) => id),
    });
  }

  /** All members with their loads as they are now. */
  get nodes(): Node[] {
    return this.members.map((member) => this.#node(member));
  }

  #node(member: Member): Node {
    const { id, address, zone, capacityBytes, incarnation, version, role, metricsAddress } = member;
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
      role: roleToWire[role],
      metricsAddress,
    };
  }

  #noteLayout(number: number): void {
    const moving = this.#layout?.partitions.filter(({ joining }) => joining.length > 0) ?? [];
    const needed = new Set(moving.map(({ layout }) => layout));
    for (const known of this.#layoutRevisions.keys()) if (!needed.has(known)) this.#layoutRevisions.delete(known);
    this.#layoutRevisions.set(number, this.#revision);
  }

  #publish(): void {
    this.#revision = Math.max(this.#revision + 1, this.#store.identity.changes * revisionsPerChange);
    this.#cluster = undefined;
    this.changed.announce();
  }
}

const stateToWire: Readonly<Record<Health, NodeState>> = {
  up: NodeState.NODE_STATE_UP,
  suspect: NodeState.NODE_STATE_SUSPECT,
  down: NodeState.NODE_STATE_DOWN,
};
