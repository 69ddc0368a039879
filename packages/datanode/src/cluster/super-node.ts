import { type Channel, type Duplex, type Network, QuorumError } from "@quorumfs/core";
import {
  AdminServiceService,
  type Cluster,
  ClusterServiceService,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type JoinRequest,
  type WatchLayoutResponse,
} from "@quorumfs/proto";
import type { LocalNode } from "./local-node.js";

// Longer than a SuperNode needs under load, and short enough that a caller with the default deadline hears of it.
const callTimeoutMs = 5000;

/** What a Join brings. */
export interface Joined {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly cluster: Cluster;
}

export type WatchUpdate = NonNullable<WatchLayoutResponse["update"]>;

/** The SuperNode as a DataNode uses it. */
export class SuperNode {
  readonly #channelOf: () => Channel;
  #channel: Channel | undefined;

  constructor(options: { readonly network: Network; readonly address: string; readonly self: LocalNode }) {
    const { network, address, self } = options;
    this.#channelOf = () => network.connect({ address, purpose: "control", identity: self.identity });
  }

  async join(
    request: JoinRequest,
    { signal, timeoutMs = callTimeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
  ): Promise<Joined> {
    const options = { timeoutMs, signal };
    const { clusterId, nodeId, cluster } = await this.#open().unary(ClusterServiceService.join, request, options);
    if (!cluster)
      throw new QuorumError({ code: "internal", message: "the SuperNode's answer to Join names no cluster" });
    return { clusterId, nodeId, cluster };
  }

  /** From now on this node has a number, and says so on a new connection. */
  reintroduce(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  heartbeat(signal: AbortSignal): Duplex<HeartbeatRequest, HeartbeatResponse> {
    return this.#open().duplex(ClusterServiceService.heartbeat, { signal });
  }

  /** The cluster as it is if it is newer than `revision`, then every newer one; the loads of its nodes in between. */
  async *watch(revision: number, signal: AbortSignal): AsyncGenerator<WatchUpdate> {
    for await (const { update } of this.#open().serverStream(
      ClusterServiceService.watchLayout,
      { revision },
      { signal },
    )) {
      if (update) yield update;
    }
  }

  /** The cluster as it is now. */
  async cluster(signal: AbortSignal): Promise<Cluster> {
    const options = { timeoutMs: callTimeoutMs, signal };
    const { cluster } = await this.#open().unary(AdminServiceService.getStatus, {}, options);
    if (!cluster) throw new QuorumError({ code: "internal", message: "the SuperNode's status names no cluster" });
    return cluster;
  }

  close(): void {
    this.#channel?.close();
  }

  #open(): Channel {
    return (this.#channel ??= this.#channelOf());
  }
}
