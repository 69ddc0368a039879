import {
  bucketId,
  checkPath,
  type CallContext,
  type Clock,
  duplexRoute,
  partitionOf,
  type Route,
  serverStreamRoute,
  unaryRoute,
} from "@quorumfs/core";
import {
  ClusterServiceService,
  type GetFileSystemStateRequest,
  type GetFileSystemStateResponse,
  type JoinRequest,
  type JoinResponse,
  type ListFilesOnNodeRequest,
  type ListFilesOnNodeResponse,
  type LocateRequest,
  type LocateResponse,
  type WatchLayoutRequest,
  type WatchLayoutResponse,
} from "@quorumfs/proto";
import { checkCallersCluster } from "./caller.js";
import type { ClusterState } from "./cluster/cluster-state.js";
import { requireLayout } from "./cluster/forming.js";
import type { Heartbeats } from "./membership/heartbeats.js";
import type { Joins } from "./membership/joins.js";
import type { StateQueries } from "./state/state-queries.js";
import { nodeQueryOf, queryOf } from "./state/state-query.js";
import { watchCluster } from "./watch.js";

export interface ClusterServiceOptions {
  readonly state: ClusterState;
  readonly joins: Joins;
  readonly heartbeats: Heartbeats;
  readonly queries: StateQueries;
  readonly initialNodes: number;
  readonly loadsEveryMs: number;
  readonly clock: Clock;
  /** Aborted when the SuperNode stops. */
  readonly stopping: AbortSignal;
}

/** ClusterService: membership, layout and state. */
export function clusterRoutes(options: ClusterServiceOptions): readonly Route[] {
  const service = new ClusterService(options);
  const { join, heartbeat, watchLayout, locate, getFileSystemState, listFilesOnNode } = ClusterServiceService;
  return [
    unaryRoute(join, (request, call) => service.join(request, call)),
    duplexRoute(heartbeat, (stream, call) => options.heartbeats.serve(stream, call)),
    serverStreamRoute(watchLayout, (request, call) => service.watch(request, call)),
    unaryRoute(locate, (request, call) => service.locate(request, call)),
    serverStreamRoute(getFileSystemState, (request, call) => service.state(request, call)),
    serverStreamRoute(listFilesOnNode, (request, call) => service.filesOnNode(request, call)),
  ];
}

class ClusterService {
  readonly #options: ClusterServiceOptions;

  constructor(options: ClusterServiceOptions) {
    this.#options = options;
  }

  join(request: JoinRequest, call: CallContext): Promise<JoinResponse> {
    checkCallersCluster(call, this.#options.state.clusterId);
    return this.#options.joins.join(request);
  }

  watch(request: WatchLayoutRequest, call: CallContext): AsyncIterable<WatchLayoutResponse> {
    const { state, loadsEveryMs, clock, stopping } = this.#options;
    checkCallersCluster(call, state.clusterId);
    return watchCluster({ state, loadsEveryMs, clock, revision: request.revision, signals: [call.signal, stopping] });
  }

  async locate(request: LocateRequest, call: CallContext): Promise<LocateResponse> {
    const { state, initialNodes } = this.#options;
    checkCallersCluster(call, state.clusterId);
    const path = checkPath(request.path);
    const layout = requireLayout(state, initialNodes);
    const bucket = state.requireBucket(request.bucket);
    const partition = partitionOf(bucketId(bucket.id), path, layout.partitions.length);
    const holders = layout.partitions[partition]?.nodes ?? [];
    const nodes = state.nodes;
    return {
      partition,
      nodes: holders.flatMap((id) => nodes.filter((node) => node.id === id)),
      layout: layout.number,
    };
  }

  state(request: GetFileSystemStateRequest, call: CallContext): AsyncIterable<GetFileSystemStateResponse> {
    checkCallersCluster(call, this.#options.state.clusterId);
    return this.#options.queries.run(queryOf(request), call.signal);
  }

  filesOnNode(request: ListFilesOnNodeRequest, call: CallContext): AsyncIterable<ListFilesOnNodeResponse> {
    checkCallersCluster(call, this.#options.state.clusterId);
    return this.#options.queries.run(nodeQueryOf(request), call.signal);
  }
}
