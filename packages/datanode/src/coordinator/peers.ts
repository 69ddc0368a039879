import type { Channel, Clock, Log, Network, NodeId, Random } from "@quorumfs/core";
import {
  type ExchangeRequest,
  type ExchangeResponse,
  ReplicaServiceService,
  type ReplicaRequest,
  type ReplicaResponse,
} from "@quorumfs/proto";
import { Lane } from "@quorumfs/rpc";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { LaneMeter } from "../observe/lane-meter.js";
import { PeerLatency } from "./peer-latency.js";

export type VoteLane = Lane<ReplicaRequest, ReplicaResponse, ExchangeRequest, ExchangeResponse>;

/** Another DataNode. */
export class Peer {
  readonly id: NodeId;
  readonly address: string;
  readonly votes: VoteLane;
  readonly latency = new PeerLatency();
  /** Bytes of content in calls to this peer that are not answered yet. */
  contentBytes = 0;
  readonly #connect: (purpose: "votes" | "bulk") => Channel;
  readonly #votesChannel: Channel;
  #bulkChannel: Channel | undefined;

  constructor(options: {
    readonly id: NodeId;
    readonly address: string;
    readonly network: Network;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly identity: ReadonlyMap<string, string>;
    readonly lanes: LaneMeter;
  }) {
    const { id, address, network, clock, random, log, identity, lanes } = options;
    this.id = id;
    this.address = address;
    this.#connect = (purpose) => network.connect({ address, purpose, identity });
    const channel = this.#connect("votes");
    this.#votesChannel = channel;
    this.votes = new Lane({
      peer: `DataNode ${id} at ${address}`,
      open: () => channel.duplex(ReplicaServiceService.exchange, {}),
      pack: (requests) => ({ requests }),
      unpack: (frame) => frame.responses,
      bytesOf: sizeOf,
      clock,
      random,
      queuedMax,
      onFrame: lanes.onFrame("votes"),
      onChange: (up) => log.info(up ? "peer.up" : "peer.lost", { peer: id, address }),
    });
  }

  /** For comparison, what it takes to ask it: how slow it is, times how much it owes; infinite while it cannot be reached. */
  cost(nowMs: number): number {
    return this.votes.up ? this.latency.expectedMs(nowMs) * (1 + this.votes.pending) : Infinity;
  }

  /** For what is large and can wait: pages of a listing must not stand before votes. */
  get bulk(): Channel {
    return (this.#bulkChannel ??= this.#connect("bulk"));
  }

  close(): void {
    this.votes.close();
    this.#votesChannel.close();
    this.#bulkChannel?.close();
  }
}

// A peer counts as slow that takes several times what the quickest does, and more than the noise of timers and turns.
const slowFactor = 4;
const slackMs = 5;
// As many as there are operations under way at most, and as many hints again.
const queuedMax = 4096;
// Ids, ballots and the ring of a value, with their tags.
const envelopeBytes = 400;

function sizeOf(request: ReplicaRequest): number {
  if (request.vote?.$case !== "accept") return envelopeBytes;
  return envelopeBytes + (request.vote.value.value?.content?.value.byteLength ?? 0);
}

/** The other DataNodes, as the cluster view names them: connected from the moment they are known. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #unsubscribe: () => void;
  #closed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#unsubscribe = options.store.onInstalled((view) => this.#follow(view));
    this.#follow(options.store.view);
  }

  /** Undefined if no address is known, or if it is this node itself. */
  find(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  all(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** Whether a peer is about as quick as the others. */
  isQuick(peer: Peer, nowMs: number): boolean {
    let quickestMs = Infinity;
    for (const { latency } of this.#peers.values()) quickestMs = Math.min(quickestMs, latency.expectedMs(nowMs));
    return peer.latency.expectedMs(nowMs) <= quickestMs * slowFactor + slackMs;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
  }

  #follow(view: ClusterView): void {
    const { self, log, ...ports } = this.#options;
    // Before the first Join nobody would listen to a node without a number.
    if (this.#closed || !self.member) return;
    for (const peer of this.#peers.values()) {
      if (view.nodes.get(peer.id)?.address === peer.address) continue;
      this.#peers.delete(peer.id);
      peer.close();
    }
    for (const { id, address } of view.nodes.values()) {
      if (id === self.member.nodeId || this.#peers.has(id)) continue;
      const peer = new Peer({ id, address, log, identity: self.identity, ...ports });
      this.#peers.set(id, peer);
      peer.votes.open();
    }
  }
}

export interface PeersOptions {
  readonly lanes: LaneMeter;
  readonly self: LocalNode;
  readonly store: ClusterStore;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
