import {
  type CancelSignal,
  type Duplex,
  duplexRoute,
  firstLayout,
  nodeId,
  type QuorumError,
  type Route,
  serverStreamRoute,
  unaryRoute,
} from "@quorumfs/core";
import {
  AdminServiceService,
  type Bucket,
  type Cluster,
  ClusterServiceService,
  Durability,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type JoinRequest,
  type Loads,
  type NoticedEvent,
  NodeRole,
  NodeState,
  type WatchLayoutResponse,
} from "@quorumfs/proto";

/** As much of a SuperNode as a DataNode needs: gives ids, makes the first layout, publishes, counts beats. */
export class FakeSuperNode {
  readonly beats: HeartbeatRequest[] = [];
  readonly joins: JoinRequest[] = [];
  /** Whether it says that it has the events that it gets. */
  acknowledgesEvents = true;
  /** In order of arrival. */
  readonly events: NoticedEvent[] = [];
  /** What the next Join is answered with instead. */
  refusal: QuorumError | undefined;
  cluster: Cluster;
  readonly #watchers = new Set<() => void>();
  /** How often loads were published. */
  #loadsTold = 0;

  constructor(options: { readonly replicas: number; readonly buckets?: readonly Bucket[] }) {
    this.cluster = {
      clusterId: "test-cluster",
      revision: 1,
      layout: undefined,
      nodes: [],
      buckets: [...(options.buckets ?? [filesBucket])],
      replicas: options.replicas,
      formerNodes: [],
    };
  }

  get routes(): readonly Route[] {
    return [
      unaryRoute(ClusterServiceService.join, async (request) => this.#join(request)),
      duplexRoute(ClusterServiceService.heartbeat, (stream: Duplex<HeartbeatResponse, HeartbeatRequest>) => {
        stream.onMessage((beat) => {
          this.beats.push(beat);
          this.events.push(...beat.events);
          const through = this.acknowledgesEvents ? (beat.events.at(-1)?.sequence ?? 0) : 0;
          stream.write({ revision: this.cluster.revision, eventsThrough: through });
        });
      }),
      serverStreamRoute(ClusterServiceService.watchLayout, (_request, { signal }) => this.#watch(signal)),
      unaryRoute(AdminServiceService.getStatus, async () => ({
        clusterId: this.cluster.clusterId,
        version: "0",
        startedAtMs: 0,
        cluster: this.cluster,
        condition: "ready",
        ready: true,
        change: undefined,
        process: undefined,
      })),
    ];
  }

  /** Publishes a changed cluster under the next revision. */
  publish(change: Partial<Cluster>): void {
    this.cluster = { ...this.cluster, ...change, revision: this.cluster.revision + 1 };
    for (const wake of this.#watchers) wake();
  }

  /** Publishes the loads that the nodes have sent last. */
  tellLoads(): void {
    this.#loadsTold += 1;
    for (const wake of this.#watchers) wake();
  }

  #loads(): Loads {
    const newest = new Map(this.beats.map(({ nodeId: node, load }) => [node, load]));
    return { nodes: [...newest].map(([node, load]) => ({ node, load })) };
  }

  #join(request: JoinRequest) {
    this.joins.push(request);
    if (this.refusal) throw this.refusal;
    const { nodes, replicas, clusterId } = this.cluster;
    const id = request.nodeId === 0 ? nodes.length + 1 : request.nodeId;
    const { address, zone, capacityBytes, incarnation, version } = request;
    const state = NodeState.NODE_STATE_UP;
    const role = NodeRole.NODE_ROLE_ACTIVE;
    const place = { id, address, zone, capacityBytes };
    const node = { ...place, state, incarnation, load: undefined, stateSinceMs: 0, version, role, metricsAddress: "" };
    const joined = [...nodes.filter((other) => other.id !== id), node];
    const placed = joined.map((other) => ({ id: nodeId(other.id), zone: other.zone, weight: 1 }));
    const layout = this.cluster.layout ?? (joined.length >= replicas ? layoutOf(placed, replicas) : undefined);
    this.publish({ nodes: joined, layout });
    return { clusterId, nodeId: id, cluster: this.cluster };
  }

  async *#watch(signal: CancelSignal): AsyncGenerator<WatchLayoutResponse> {
    let sent = -1;
    let loadsSent = this.#loadsTold;
    while (!signal.aborted) {
      if (loadsSent < this.#loadsTold) {
        loadsSent = this.#loadsTold;
        yield { update: { $case: "loads", value: this.#loads() } };
      }
      if (sent < this.cluster.revision) {
        sent = this.cluster.revision;
        yield { update: { $case: "cluster", value: this.cluster } };
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#watchers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#watchers.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }
}

function layoutOf(nodes: Parameters<typeof firstLayout>[0], replicas: number) {
  const layout = firstLayout(nodes, replicas);
  const partitions = layout.partitions.map((partition) => ({
    nodes: [...partition.nodes],
    joining: [...partition.joining],
    layout: partition.layout,
  }));
  return { number: layout.number, replicas, partitions };
}

export const filesBucket: Bucket = {
  id: 1,
  name: "files",
  readQuorum: 2,
  writeQuorum: 2,
  durability: Durability.DURABILITY_FSYNC,
  createdAtMs: 0,
  deleting: false,
};
