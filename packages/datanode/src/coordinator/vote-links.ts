import type { Clock, Log, NodeId, QuorumError, ReplicaReply, ReplicaRequest, ReplicaState } from "@quorumfs/core";
import type { ReplicaRequest as RequestMessage } from "@quorumfs/proto";
import type { Span } from "@quorumfs/telemetry/lean";
import type { LocalNode } from "../cluster/local-node.js";
import { endVote } from "../follow/vote-span.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ReplicaTarget } from "../replica/messages.js";
import { replyFromWire, requestToWire } from "../replica/wire.js";
import { FullNodes } from "./full-nodes.js";
import type { Pauses } from "./pauses.js";
import type { Peer, Peers } from "./peers.js";

/** One question that is put to several replicas. */
export interface Vote {
  readonly target: ReplicaTarget;
  readonly request: ReplicaRequest;
  /** For the replicas' logs; may be empty. */
  readonly requestId: Uint8Array;
  /** For a read: what this node's own replica said; a reply that says the same comes without its value. */
  have?: ReplicaState | undefined;
  /** On behalf of which it is asked, if anybody follows. */
  readonly span?: Span | undefined;
  /** The message, once one of them needed it. */
  message?: RequestMessage;
}

/** The replica's reply, or undefined and the reason why there is none. */
export type OnAnswer = (reply: ReplicaReply | undefined, reason: string) => void;

// A peer that is alive answers within milliseconds; one that is paused must not hold up what can be done without it.
export const voteTimeoutMsDefault = 1000;
// What a peer that has stopped reading may pin; more is a failed vote, and its quorum forms without it.
const contentBytesPerPeerMax = 32 * 1024 * 1024;

/** The way to every replica: this node's own without a network, the others over their lanes. */
export class VoteLinks {
  /** Replicas without room for new values, as far as their refusals tell. */
  readonly full: FullNodes;
  readonly #options: VoteLinksOptions;

  constructor(options: VoteLinksOptions) {
    this.#options = options;
    this.full = new FullNodes(options.clock);
  }

  isLocal(node: NodeId): boolean {
    return this.#options.self.member?.nodeId === node;
  }

  /** This node, then those that are likely to answer soonest: not one that is slow, or that has been asked a lot. */
  readiestFirst(nodes: readonly NodeId[]): readonly NodeId[] {
    const [first, second] = nodes;
    if (first === undefined || second === undefined) return nodes;
    const nowMs = this.#options.clock.nowMs();
    if (nodes.length === 2) return this.#cost(first, nowMs) <= this.#cost(second, nowMs) ? nodes : [second, first];
    const costs = new Map(nodes.map((node) => [node, this.#cost(node, nowMs)]));
    return [...nodes].sort((a, b) => difference(costs.get(a), costs.get(b)));
  }

  #cost(node: NodeId, nowMs: number): number {
    return this.isLocal(node) ? -1 : (this.#options.peers.find(node)?.cost(nowMs) ?? Infinity);
  }

  /** How long to wait for an answer of some of these before others are asked. */
  hedgeMs(nodes: readonly NodeId[]): number {
    let p95Ms = Infinity;
    for (const node of nodes) p95Ms = Math.min(p95Ms, this.#options.peers.find(node)?.latency.p95Ms ?? Infinity);
    return this.#options.pauses.hedgeMs(p95Ms);
  }

  /** Calls `onAnswer` exactly once; for a remote node never before `ask` has returned. */
  ask(node: NodeId, vote: Vote, onAnswer: OnAnswer): void {
    if (this.isLocal(node)) {
      if (vote.span) this.#askHere(vote, vote.span, onAnswer);
      else this.#options.replica.handle(vote.target, vote.request, (reply) => onAnswer(reply, ""));
      return;
    }
    const peer = this.#options.peers.find(node);
    const contentBytes = contentBytesOf(vote.request);
    const refusal = refusalOf(peer, node, contentBytes);
    if (!peer || refusal !== undefined) {
      this.#options.clock.endOfTurn(() => onAnswer(undefined, refusal ?? ""));
      return;
    }
    this.#call(peer, vote, contentBytes, onAnswer);
  }

  /** The vote of this node's own replica, as others would have it followed. */
  #askHere({ target, request }: Vote, asker: Span, onAnswer: OnAnswer): void {
    const span = asker.child(`vote ${request.kind}`, { role: "server" });
    const tell = (reply: ReplicaReply): void => {
      endVote(span, reply);
      onAnswer(reply, "");
    };
    this.#options.replica.handle(target, request, tell, span);
  }

  #call(peer: Peer, vote: Vote, contentBytes: number, onAnswer: OnAnswer): void {
    const { clock, voteTimeoutMs } = this.#options;
    const message = messageOf(vote);
    const timedSince = peer.latency.begin(clock);
    peer.contentBytes += contentBytes;
    peer.votes.call(message, { timeoutMs: voteTimeoutMs }, (error, response) => {
      peer.contentBytes -= contentBytes;
      // The lane may hold on to a message that it could not send; the content need not stay with it.
      if (error && contentBytes > 0) message.vote = undefined;
      if (timedSince !== undefined) this.#timed(peer, timedSince, error);
      const reply = response && replyFromWire(response, vote.have);
      if (reply && isForLackOfRoom(reply, vote.request)) this.full.refused(peer.id);
      if (reply) onAnswer(reply, "");
      else onAnswer(undefined, error?.message ?? "no answer");
    });
  }

  #timed(peer: Peer, sinceMs: number, error: QuorumError | undefined): void {
    const { clock, pauses, peers } = this.#options;
    // What was not sent was not slow, and a connection that breaks is no answer.
    if (error && (!peer.votes.up || error.code === "resource_exhausted")) {
      peer.latency.drop(sinceMs);
      return;
    }
    const nowMs = clock.nowMs();
    peer.latency.end(sinceMs, nowMs);
    if (peers.isQuick(peer, nowMs)) pauses.observe(nowMs - sinceMs);
  }

  /** Sends a hint that nobody waits for. */
  post(node: NodeId, vote: Vote): void {
    if (this.isLocal(node)) this.#options.replica.handle(vote.target, vote.request, ignore);
    else this.#options.peers.find(node)?.votes.post(messageOf(vote));
  }

  /** A node sent content that does not match its checksum. */
  reportDamage(node: NodeId, target: ReplicaTarget): void {
    this.#options.log.warn("content.damaged", { node, bucket: target.bucket, path: target.path });
  }
}

export interface VoteLinksOptions {
  readonly self: LocalNode;
  readonly replica: LocalReplica;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly pauses: Pauses;
  readonly log: Log;
  readonly voteTimeoutMs: number;
}

function ignore(): void {}

// Infinite costs are equal, and not NaN.
function difference(a = Infinity, b = Infinity): number {
  return a === b ? 0 : a - b;
}

function isForLackOfRoom(reply: ReplicaReply, request: ReplicaRequest): boolean {
  return request.kind === "accept" && reply.kind === "refused" && reply.code === "resource_exhausted";
}

function refusalOf(peer: Peer | undefined, node: NodeId, contentBytes: number): string | undefined {
  if (!peer) return `the address of DataNode ${node} is not known`;
  if (peer.contentBytes + contentBytes > contentBytesPerPeerMax) return `too much waits for DataNode ${node} already`;
  return undefined;
}

function contentBytesOf(request: ReplicaRequest): number {
  if (request.kind !== "accept") return 0;
  const { content } = request.value;
  return content.kind === "inline" || content.kind === "manifest" ? content.bytes.byteLength : 0;
}

/** The message is made once for all nodes; each lane writes its own id into its copy of the envelope. */
function messageOf(vote: Vote): RequestMessage {
  vote.message ??= requestToWire(
    {
      id: 0,
      target: vote.target,
      request: vote.request,
      requestId: vote.requestId,
      traceparent: vote.span?.traceparent ?? "",
    },
    vote.have?.accepted,
  );
  return { ...vote.message };
}
