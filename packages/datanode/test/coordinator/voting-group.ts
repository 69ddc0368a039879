import { nodeId, QuorumError } from "@quorumfs/core";
import { type Bucket, type Cluster, NodeRole, NodeState } from "@quorumfs/proto";
import { silentLog, systemRandom } from "@quorumfs/runtime";
import { noTracer } from "@quorumfs/telemetry/lean";
import { ClusterStore } from "../../src/cluster/cluster-store.js";
import type { BucketView } from "../../src/cluster/cluster-view.js";
import { LocalNode } from "../../src/cluster/local-node.js";
import { replicaContext } from "../../src/cluster/replica-context.js";
import { type Collected, Coordinator, type Done, type Settled } from "../../src/coordinator/coordinator.js";
import { Hedges } from "../../src/coordinator/hedges.js";
import { Pauses } from "../../src/coordinator/pauses.js";
import { Peers } from "../../src/coordinator/peers.js";
import { VoteLinks } from "../../src/coordinator/vote-links.js";
import { VoteMeter } from "../../src/coordinator/vote-meter.js";
import { OperationLog } from "../../src/follow/operation-log.js";
import { LaneMeter } from "../../src/observe/lane-meter.js";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import type { ReplicaContext } from "../../src/replica/replica-context.js";
import { replicaRoutes } from "../../src/replica/routes.js";
import { openReplica } from "../replica/fixture.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { filesBucket } from "../support/fake-super-node.js";
import { MemoryNetwork } from "../support/memory-network.js";
import { settle, StepClock } from "../support/step-clock.js";

const nodes = [1, 2, 3, 4];
const strict: Bucket = { ...filesBucket, id: 2, name: "strict", readQuorum: 1, writeQuorum: 3 };

export interface Groups {
  readonly nodes: readonly number[];
  readonly joining?: readonly number[];
}

interface GroupNode {
  readonly self: LocalNode;
  readonly store: ClusterStore;
  readonly context: ReplicaContext;
  readonly replica: LocalReplica;
}

/**
 * The replicas of nodes 1 to 4 and the coordinator of node 1, without the DataNodes around them: nobody votes, takes over or
 * collects unless the test has it so. All files are in one partition; bucket `strict` has W = N.
 */
export class VotingGroup {
  readonly clock = new StepClock();
  readonly network = new MemoryNetwork();
  readonly votes = new VoteMeter();
  readonly coordinator: Coordinator;
  /** Whether node 1 hears of the newest cluster when it asks. */
  superNodeAnswers = true;
  readonly #nodes = new Map<number, GroupNode>();
  readonly #peers: Peers;
  #cluster: Cluster;

  private constructor() {
    this.#cluster = {
      clusterId: "test-cluster",
      revision: 0,
      layout: undefined,
      nodes: nodes.map(memberOf),
      buckets: [filesBucket, strict],
      replicas: 3,
      formerNodes: [],
    };
    for (const id of nodes) this.#nodes.set(id, this.#nodeOf(id));
    const { self, store, replica } = this.#node(1);
    const { clock, network, votes } = this;
    const random = systemRandom();
    const pauses = new Pauses(random);
    this.#peers = new Peers({ self, store, network, clock, random, log: silentLog, lanes: new LaneMeter() });
    this.coordinator = new Coordinator({
      self,
      store,
      replica,
      links: new VoteLinks({ self, replica, peers: this.#peers, clock, pauses, log: silentLog, voteTimeoutMs: 30_000 }),
      pauses,
      hedges: new Hedges(clock),
      clock,
      votes,
      refresh: () => this.#refresh(),
    });
  }

  static async start(groups: Groups = { nodes: [1, 2, 3] }): Promise<VotingGroup> {
    const group = new VotingGroup();
    for (const id of nodes) await group.#listen(id);
    await group.publish(groups);
    return group;
  }

  /** Tells the next layout to these nodes. */
  async publish({ nodes: members, joining = [] }: Groups, told: readonly number[] = nodes): Promise<void> {
    const number = this.layout + 1;
    const partitions = [{ nodes: [...members], joining: [...joining], layout: number }];
    this.#cluster = {
      ...this.#cluster,
      revision: this.#cluster.revision + 1,
      layout: { number, replicas: 3, partitions },
    };
    for (const id of told) await this.#node(id).store.install(this.#cluster);
    await settle();
  }

  /** Number of the newest layout. */
  get layout(): number {
    return this.#cluster.layout?.number ?? 0;
  }

  replica(id: number): LocalReplica {
    return this.#node(id).replica;
  }

  bucket(name: "files" | "strict"): BucketView {
    const bucket = this.#node(1).store.view.bucketNamed(name);
    if (!bucket) throw new Error(`there is no bucket ${name}`);
    return bucket;
  }

  kill(id: number): void {
    this.network.kill(addressOf(id));
  }

  /** Votes of other nodes are not asked for any more. */
  holdVotes(): void {
    this.network.gate = () => false;
  }

  collect(path: string, timeoutMs = 10_000): Promise<Collected> {
    const deadlineMs = this.clock.nowMs() + timeoutMs;
    return ended((done) => this.coordinator.collect({ bucket: this.bucket("files"), path, deadlineMs }, done));
  }

  settle(path: string, more: { readonly bucket: "files" | "strict"; readonly via?: "transfer" }): Promise<Settled> {
    const request = { path, deadlineMs: this.clock.nowMs() + 10_000, bucket: this.bucket(more.bucket) };
    return ended((done) => this.coordinator.settle({ ...request, ...(more.via && { via: more.via }) }, done));
  }

  close(): void {
    this.coordinator.close();
    this.#peers.close();
  }

  async #refresh(): Promise<void> {
    if (this.superNodeAnswers) await this.#node(1).store.install(this.#cluster);
  }

  #node(id: number): GroupNode {
    const node = this.#nodes.get(id);
    if (!node) throw new Error(`there is no node ${id}`);
    return node;
  }

  #nodeOf(id: number): GroupNode {
    const { clock } = this;
    const member = { clusterId: "test-cluster", nodeId: nodeId(id) };
    const self = new LocalNode({ incarnation: 1, version: "test", member });
    const store = new ClusterStore({ disk: new MemoryDisk(), log: silentLog });
    const holdings = { holds: () => true, holdsAll: true };
    const context = replicaContext({ self, store, holdings, clock, refresh: async () => undefined });
    const { replica } = openReplica(new MemoryDisk(), { context, clock });
    return { self, store, context, replica };
  }

  async #listen(id: number): Promise<void> {
    const { replica, context } = this.#node(id);
    const { clock } = this;
    const operations = new OperationLog({ clock, log: silentLog });
    const shared = { lanes: new LaneMeter(), tracer: noTracer, clock, log: silentLog };
    const { routes } = replicaRoutes({ replica, context, operations, ...shared });
    await this.network.listen({ host: "node", port: id, routes });
  }
}

/** How something under way ends, as far as it has. */
export function watch(running: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: "under way" };
  running.then(
    (outcome) => (watched.outcome = outcome),
    (error: unknown) => (watched.outcome = error),
  );
  return watched;
}

function addressOf(id: number): string {
  return `node:${id}`;
}

function memberOf(id: number): Cluster["nodes"][number] {
  return {
    id,
    address: addressOf(id),
    zone: "",
    capacityBytes: 1,
    state: NodeState.NODE_STATE_UP,
    incarnation: 1,
    load: undefined,
    stateSinceMs: 0,
    version: "test",
    role: NodeRole.NODE_ROLE_ACTIVE,
    metricsAddress: "",
  };
}

function ended<Result>(begin: (done: Done<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    begin((error, result) => {
      if (result === undefined) reject(QuorumError.from(error));
      else resolve(result);
    });
  });
}
