/**
 * Tells how the vote on a file stands: asks every replica what it has, and has core say what a read would make of that. Changes
 * nothing, and waits for everybody, so that who is away is told as such.
 */
import {
  type CancelSignal,
  type Clock,
  inlineBytesMax,
  isJoint,
  isZeroBallot,
  judge,
  type Judgement,
  type NodeId,
  QuorumError,
  quorumSize,
  readNeeds,
  reasonsOf,
  type Testimony,
  type Value,
  writeNeeds,
} from "@quorumfs/core";
import {
  CopyState,
  Durability,
  type ExplainedVersion,
  type ExplainRequest,
  type ExplainResponse,
  type Node,
  type ReplicaCopy,
  ReplicaServiceService,
  type ReplicaVote,
  Verdict,
} from "@quorumfs/proto";
import { decodeManifest } from "@quorumfs/runtime";
import type { Buckets } from "../cluster/buckets.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView, FilePlace } from "../cluster/cluster-view.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { LargeContent } from "../content/large-content.js";
import type { Peers } from "../coordinator/peers.js";
import type { VoteLinks } from "../coordinator/vote-links.js";
import { checkFile } from "../file/requests.js";
import { type ChunkHoldings, takeChunkCensus } from "./chunk-census.js";
import type { Inspector } from "./inspector.js";
import { stateFromWire } from "./wire.js";

// Who asks looks at the answer, so more at once is a program that should ask for the file instead.
const explainsMax = 16;
const retryAfterMs = 200;
// As long as a vote may take: who needs longer would not be counted either.
const inspectTimeoutMs = 1000;
// One move at a time changes a partition.
const layoutsMax = 3;

export interface ExplainerOptions {
  readonly self: LocalNode;
  readonly store: ClusterStore;
  readonly buckets: Buckets;
  readonly inspector: Inspector;
  readonly peers: Peers;
  readonly links: Pick<VoteLinks, "isLocal" | "ask">;
  readonly large: Pick<LargeContent, "peers" | "pages">;
  readonly clock: Clock;
  /** Asks for a newer layout, which anybody may know. */
  readonly follow: () => Promise<void>;
}

interface Inspected {
  readonly copy: ReplicaCopy | undefined;
  readonly failure: string;
  readonly latencyMs: number;
  readonly testimony: Testimony;
  readonly isOutdated: boolean;
}

interface Asked {
  readonly bucket: BucketView;
  readonly path: string;
  readonly place: FilePlace;
  readonly layoutNumber: number;
  readonly inspected: ReadonlyMap<NodeId, Inspected>;
}

export class Explainer {
  readonly #options: ExplainerOptions;
  #underWay = 0;

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /**
   * @throws QuorumError `invalid_argument`; `not_found`: there is no such bucket; `unavailable`: the cluster is forming;
   *   `resource_exhausted`: too many are explained at once. That a file is absent, or its quorum, is no error but the answer
   */
  async explain(request: ExplainRequest, signal: CancelSignal): Promise<ExplainResponse> {
    checkFile(request);
    if (this.#underWay >= explainsMax) {
      throw new QuorumError({
        code: "resource_exhausted",
        message: `${explainsMax} files are being explained already; try again shortly`,
        details: { retryAfterMs },
      });
    }
    this.#underWay += 1;
    try {
      const { buckets } = this.#options;
      const bucket = buckets.named(request.bucket) ?? (await buckets.lookUp(request.bucket));
      const asked = await this.#ask(bucket, request.path, signal);
      return await this.#answer(asked, signal);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Under one layout, which all who answer follow. */
  async #ask(bucket: BucketView, path: string, signal: CancelSignal): Promise<Asked> {
    const { store, follow } = this.#options;
    for (let layouts = 1; ; layouts += 1) {
      const { view } = store;
      const place = view.place(bucket, path);
      if (!place) throw new QuorumError({ code: "unavailable", message: view.forming ?? "there is no layout" });
      const target = { bucket: bucket.id, path, layout: place.layout };
      const answers = await Promise.all(
        place.voters.members.map(async (node) => [node, await this.#inspect(node, target, signal)] as const),
      );
      const isOutdated = answers.some(([, answer]) => answer.isOutdated);
      if (!isOutdated || layouts === layoutsMax) {
        return { bucket, path, place, layoutNumber: view.layoutNumber, inspected: new Map(answers) };
      }
      await follow();
    }
  }

  async #inspect(
    node: NodeId,
    target: { readonly bucket: BucketView["id"]; readonly path: string; readonly layout: number },
    signal: CancelSignal,
  ): Promise<Inspected> {
    const { clock, links, inspector, peers } = this.#options;
    const sinceMs = clock.nowMs();
    const isLocal = links.isLocal(node);
    const tookMs = (): number => (isLocal ? 0 : clock.nowMs() - sinceMs);
    try {
      const copy = isLocal ? await inspector.inspect(target) : await inspectRemote(peers, node, target, signal);
      return { copy, failure: "", latencyMs: tookMs(), testimony: testimonyOf(copy), isOutdated: false };
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      return {
        copy: undefined,
        failure: message,
        latencyMs: tookMs(),
        testimony: { kind: "silent", reason: message },
        isOutdated: code === "precondition_failed",
      };
    }
  }

  async #answer(asked: Asked, signal: CancelSignal): Promise<ExplainResponse> {
    const { store, self } = this.#options;
    const { bucket, place, layoutNumber, inspected } = asked;
    const { voters, partition } = place;
    const testimonies = new Map([...inspected].map(([node, { testimony }]) => [node, testimony]));
    const judgement = judge(voters, testimonies);
    const contentDamaged = [...inspected].flatMap(([node, { copy }]) =>
      copy?.accepted && copy.state === CopyState.COPY_STATE_DAMAGED ? [node] : [],
    );
    const explained = { voters, testimonies, judgement, contentDamaged };
    const census = await this.#census(asked, judgement, signal);
    const nodes = new Map(store.cluster?.nodes.map((node) => [node.id, node]));
    const group = voters.groups[0];
    return {
      partition,
      layout: layoutNumber,
      coordinator: self.id,
      replicas: group?.members.length ?? 0,
      readQuorum: bucket.read,
      writeQuorum: bucket.write,
      promiseQuorum: group ? quorumSize(group, "promise") : 0,
      durability: bucket.durability === "memory" ? Durability.DURABILITY_MEMORY : Durability.DURABILITY_FSYNC,
      votes: voters.members.map((node) => voteOf({ node, asked, judgement, census: census.holdings, nodes })),
      verdict: verdictToWire[judgement.verdict],
      reasons: [...reasonsOf(explained), ...census.reasons],
      version: versionOf(judgement, census.chunks),
      readNeeds: readNeeds(explained),
      writeNeeds: writeNeeds(explained),
      joint: isJoint(voters),
      chunkHolders: [...census.holdings].map(([node, { wanted, held, failure = "" }]) => ({
        node,
        ...placeOf(nodes.get(node)),
        wanted,
        held,
        failure,
      })),
    };
  }

  /** Who has the chunks of what was found. */
  async #census(
    { bucket, path, place, inspected }: Asked,
    { verdict, finding, holders }: Judgement,
    signal: CancelSignal,
  ): Promise<{
    readonly chunks: number;
    readonly holdings: ReadonlyMap<NodeId, ChunkHoldings>;
    readonly reasons: readonly string[];
  }> {
    const { large, clock, store } = this.#options;
    const { value } = finding;
    if (verdict === "no_quorum" || value?.kind !== "live" || value.size <= inlineBytesMax) return noChunks;
    try {
      const target = { bucket: bucket.id, path, layout: place.layout };
      const bytes = await this.#manifestOf(value, holders, target);
      const silent = new Map(
        [...inspected].flatMap(([node, { copy, failure }]) => (copy ? [] : [[node, failure] as const])),
      );
      const file = { view: store.view, bucket, path, manifest: decodeManifest(bytes), size: value.size, silent };
      const { peers, pages } = large;
      const { chunks, holdings } = await takeChunkCensus({ peers, pages, clock }, file, signal);
      return { chunks, holdings, reasons: [censusSentence(chunks, holdings)] };
    } catch (thrown) {
      const reason = `Who has its chunks cannot be told: ${QuorumError.from(thrown).message}.`;
      return { ...noChunks, reasons: [reason] };
    }
  }

  /** From one of those that hold the version. */
  async #manifestOf(
    value: Value,
    holders: readonly NodeId[],
    target: { readonly bucket: BucketView["id"]; readonly path: string; readonly layout: number },
  ): Promise<Uint8Array> {
    const { links } = this.#options;
    const nearestFirst = [...holders].sort((a, b) => Number(links.isLocal(b)) - Number(links.isLocal(a)));
    for (const node of nearestFirst) {
      const bytes = await new Promise<Uint8Array | undefined>((resolve) => {
        const request = { kind: "read", withContent: true } as const;
        links.ask(node, { target, request, requestId: noBytes }, (reply) => {
          const content = reply?.kind === "state" ? reply.value?.content : undefined;
          resolve(content?.kind === "manifest" ? content.bytes : undefined);
        });
      });
      if (bytes) return bytes;
    }
    throw new QuorumError({
      code: "unavailable",
      message: `no replica could deliver what version ${value.version.counter} is made of`,
    });
  }
}

const noBytes = new Uint8Array(0);
const noChunks = { chunks: 0, holdings: new Map<NodeId, ChunkHoldings>(), reasons: [] } as const;

const verdictToWire = {
  found: Verdict.VERDICT_FOUND,
  absent: Verdict.VERDICT_ABSENT,
  unsettled: Verdict.VERDICT_UNSETTLED,
  no_quorum: Verdict.VERDICT_NO_QUORUM,
} as const;

async function inspectRemote(
  peers: Peers,
  node: NodeId,
  request: { readonly bucket: number; readonly path: string; readonly layout: number },
  signal: CancelSignal,
): Promise<ReplicaCopy> {
  const peer = peers.find(node);
  if (!peer) throw new QuorumError({ code: "unavailable", message: "its address is not known" });
  const { copy } = await peer.bulk.unary(ReplicaServiceService.inspect, request, {
    timeoutMs: inspectTimeoutMs,
    signal,
  });
  if (copy) return copy;
  throw new QuorumError({ code: "internal", message: "it did not say what it has" });
}

/** @throws QuorumError `invalid_argument`: the answer makes no sense */
function testimonyOf(copy: ReplicaCopy): Testimony {
  const said = stateFromWire(copy);
  if (said) return { kind: "state", ...said };
  return {
    kind: "abstains",
    reason:
      copy.state === CopyState.COPY_STATE_FORGOTTEN
        ? "its record is damaged, and it votes again once a vote has come that is above all that it may have promised"
        : "its record is damaged",
  };
}

function voteOf(options: {
  readonly node: NodeId;
  readonly asked: Asked;
  readonly judgement: Judgement;
  readonly census: ReadonlyMap<NodeId, ChunkHoldings>;
  readonly nodes: ReadonlyMap<number, Node>;
}): ReplicaVote {
  const { node, asked, judgement, census, nodes } = options;
  const { copy, failure = "", latencyMs = 0 } = asked.inspected.get(node) ?? {};
  const [current, joining] = asked.place.voters.groups;
  const { wanted = 0, held = 0 } = census.get(node) ?? {};
  return {
    node,
    ...placeOf(nodes.get(node)),
    copy: copy && { ...copy, chunksWanted: wanted, chunksHeld: held },
    failure,
    latencyUs: Math.round(latencyMs * 1000),
    current: current?.members.includes(node) ?? false,
    joining: joining?.members.includes(node) ?? false,
    counted: judgement.counted.includes(node),
  };
}

function placeOf(node: Node | undefined): { readonly address: string; readonly zone: string } {
  return { address: node?.address ?? "", zone: node?.zone ?? "" };
}

/** Of a delete, too: its version is what the next write has to be above. */
function versionOf({ verdict, finding }: Judgement, chunks: number): ExplainedVersion | undefined {
  const { accepted, value } = finding;
  if (verdict === "no_quorum" || isZeroBallot(accepted) || !value) return undefined;
  return {
    version: value.version.counter,
    ballot: accepted,
    size: value.size,
    etag: value.etag,
    modifiedAtMs: value.modifiedAtMs,
    deleted: value.kind === "tombstone",
    chunks,
  };
}

function censusSentence(chunks: number, holdings: ReadonlyMap<NodeId, ChunkHoldings>): string {
  const wanted = [...holdings.values()].reduce((sum, each) => sum + each.wanted, 0);
  const held = [...holdings.values()].reduce((sum, each) => sum + each.held, 0);
  const copies = held === wanted ? `all ${wanted} copies of them are` : `${held} of the ${wanted} copies of them are`;
  return `Its content is in ${chunks} ${chunks === 1 ? "chunk" : "chunks"}; ${copies} where they should be.`;
}
