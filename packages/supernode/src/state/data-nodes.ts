import { type Channel, type Clock, type Network, type NodeId, type CancelSignal } from "@quorumfs/core";
import { ReplicaServiceService, type ScanWindowRequest, type ScanWindowResponse } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";

/** A node that says nothing for so long is taken for unreachable: others must not wait for it for ever. */
const answerTimeoutMs = 3000;

export interface DataNodesOptions {
  readonly network: Network;
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly version: string;
}

/** Ways to the DataNodes, for looking at what they hold. Kept open, since who asks once often asks again. */
export class DataNodes {
  readonly #network: Network;
  readonly #state: ClusterState;
  readonly #clock: Clock;
  readonly #identity: ReadonlyMap<string, string>;
  readonly #channels = new Map<NodeId, Channel>();

  constructor({ network, state, clock, version }: DataNodesOptions) {
    this.#network = network;
    this.#state = state;
    this.#clock = clock;
    // Number 0 is the SuperNode's: it looks, and does not vote.
    this.#identity = new Map([
      ["quorumfs-cluster", state.clusterId],
      ["quorumfs-node", "0"],
      ["quorumfs-version", version],
    ]);
  }

  /** What a node holds of a part of a bucket; undefined if it does not say. Never rejects. */
  window(node: NodeId, request: ScanWindowRequest, signal: CancelSignal): Promise<ScanWindowResponse | undefined> {
    return new Promise((resolve) => {
      const gone = new AbortController();
      const giveUp = (): void => {
        resolve(undefined);
        gone.abort();
      };
      const cancelTimer = this.#clock.after(answerTimeoutMs, giveUp);
      signal.addEventListener("abort", giveUp, { once: true });
      const end = (answer: ScanWindowResponse | undefined): void => {
        cancelTimer();
        signal.removeEventListener("abort", giveUp);
        resolve(answer);
      };
      if (signal.aborted) giveUp();
      this.#channelTo(node)
        .unary(ReplicaServiceService.scanWindow, request, { signal: gone.signal })
        .then(end, () => end(undefined));
    });
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
