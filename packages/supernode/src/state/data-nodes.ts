import type { CallOptions, Channel, Network, NodeId } from "@quorumfs/core";
import { ReplicaServiceService, type ScanRecordsRequest, type ScanRecordsResponse } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";

/** Ways to the DataNodes, for looking at what they hold. Kept open, since who asks once often asks again. */
export class DataNodes {
  readonly #network: Network;
  readonly #state: ClusterState;
  readonly #identity: ReadonlyMap<string, string>;
  readonly #channels = new Map<NodeId, Channel>();

  constructor(options: { readonly network: Network; readonly state: ClusterState; readonly version: string }) {
    this.#network = options.network;
    this.#state = options.state;
    // Number 0 is the SuperNode's: it looks, and does not vote.
    this.#identity = new Map([
      ["quorumfs-cluster", options.state.clusterId],
      ["quorumfs-node", "0"],
      ["quorumfs-version", options.version],
    ]);
  }

  /** What a node holds, page by page, in order of bucket and path. */
  scan(node: NodeId, request: ScanRecordsRequest, options: CallOptions): AsyncIterable<ScanRecordsResponse> {
    return this.#channelTo(node).serverStream(ReplicaServiceService.scanRecords, request, options);
  }

  /** Idempotent. */
  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #channelTo(node: NodeId): Channel {
    const address = this.#state.member(node)?.address ?? "";
    const known = this.#channels.get(node);
    if (known?.address === address) return known;
    known?.close();
    const channel = this.#network.connect({ address, purpose: "bulk", identity: this.#identity });
    this.#channels.set(node, channel);
    return channel;
  }
}
