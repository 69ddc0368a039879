import { type CallContext, type Route, unaryRoute } from "@quorumfs/core";
import {
  AdminServiceService,
  type CreateBucketRequest,
  type CreateBucketResponse,
  type DeleteBucketRequest,
  type DeleteBucketResponse,
  type GetBucketRequest,
  type GetBucketResponse,
  type GetStatusResponse,
  type ListBucketsResponse,
  type ListNodesResponse,
  type ProcessFacts,
} from "@quorumfs/proto";
import type { Buckets } from "./buckets/buckets.js";
import type { Deletion } from "./buckets/deletion.js";
import { checkCallersCluster } from "./caller.js";
import type { ClusterState } from "./cluster/cluster-state.js";
import { conditionOf } from "./cluster/condition.js";
import { requireLayout } from "./cluster/forming.js";
import type { LayoutDriver } from "./layout/layout-driver.js";

export interface AdminServiceOptions {
  readonly state: ClusterState;
  readonly buckets: Buckets;
  readonly deletion: Deletion;
  readonly driver: LayoutDriver;
  readonly initialNodes: number;
  readonly version: string;
  readonly startedAtMs: number;
  /** What this process runs on, and its wall clock. */
  readonly process: () => ProcessFacts;
}

/** AdminService: buckets and nodes. */
export function adminRoutes(options: AdminServiceOptions): readonly Route[] {
  const service = new AdminService(options);
  const { createBucket, getBucket, listBuckets, deleteBucket, listNodes, getStatus } = AdminServiceService;
  const checked =
    <Request, Response>(handle: (request: Request) => Promise<Response>) =>
    async (request: Request, call: CallContext): Promise<Response> => {
      checkCallersCluster(call, options.state.clusterId);
      return handle(request);
    };
  return [
    unaryRoute(
      createBucket,
      checked((request) => service.createBucket(request)),
    ),
    unaryRoute(
      getBucket,
      checked((request) => service.getBucket(request)),
    ),
    unaryRoute(
      listBuckets,
      checked(() => service.listBuckets()),
    ),
    unaryRoute(
      deleteBucket,
      checked((request) => service.deleteBucket(request)),
    ),
    unaryRoute(
      listNodes,
      checked(() => service.listNodes()),
    ),
    unaryRoute(
      getStatus,
      checked(() => service.getStatus()),
    ),
  ];
}

class AdminService {
  readonly #options: AdminServiceOptions;

  constructor(options: AdminServiceOptions) {
    this.#options = options;
  }

  async createBucket(request: CreateBucketRequest): Promise<CreateBucketResponse> {
    return { bucket: await this.#options.buckets.create(request) };
  }

  async getBucket({ name }: GetBucketRequest): Promise<GetBucketResponse> {
    const { state, initialNodes } = this.#options;
    requireLayout(state, initialNodes);
    return { bucket: state.requireBucket(name), replicas: state.replicas };
  }

  async listBuckets(): Promise<ListBucketsResponse> {
    const { state } = this.#options;
    return { buckets: [...state.buckets], replicas: state.replicas };
  }

  async deleteBucket({ name }: DeleteBucketRequest): Promise<DeleteBucketResponse> {
    await this.#options.deletion.delete(name);
    return {};
  }

  async listNodes(): Promise<ListNodesResponse> {
    return { nodes: this.#options.state.nodes };
  }

  async getStatus(): Promise<GetStatusResponse> {
    const { state, driver, initialNodes, version, startedAtMs, process } = this.#options;
    const { change } = state;
    const { ready, text } = conditionOf(state, initialNodes);
    return {
      clusterId: state.clusterId,
      version,
      startedAtMs,
      cluster: { ...state.cluster, nodes: state.nodes },
      condition: text,
      ready,
      change: change && driver.describe(change),
      process: process(),
    };
  }
}
