/**
 * Asks DataNodes for a range of a bucket until every partition is answered by a read quorum.
 *
 * At first as many are asked as it takes for R answers and, where all is well, for W: W equal votes make an entry known
 * without another question. When one of them fails or dawdles, all the others are asked too.
 */
import {
  type Clock,
  type Electorate,
  type Log,
  type NodeFailure,
  type NodeId,
  type PartitionId,
  QuorumError,
  type RangePage,
  hasQuorum,
  quorumShortfall,
} from "@quorumfs/core";
import { ReplicaServiceService } from "@quorumfs/proto";
import type { BucketView, ClusterView } from "../cluster/cluster-view.js";
import type { Peers } from "../coordinator/peers.js";
import type { LocalReplica } from "../replica/local-replica.js";
import { checkRangeLayout } from "../replica/range-layout.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { rangePageFromWire } from "../replica/wire.js";

export interface RangeQuestion {
  readonly view: ClusterView;
  readonly bucket: BucketView;
  readonly prefix: string;
  readonly after: string;
  /** Records that each node answers with, at most. */
  readonly limit: number;
  /** On the clock's own time. */
  readonly deadlineMs: number;
  /** Gives the question up. */
  readonly signal: AbortSignal;
}

export interface RangeQuorumOptions {
  readonly replica: LocalReplica;
  readonly context: ReplicaContext;
  readonly isLocal: (node: NodeId) => boolean;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
}

// A page of a thousand entries takes a node about 10 ms; who needs ten times that is busy, paused or gone.
const patienceBaseMs = 100;
const patiencePerEntryMs = 0.02;

export class RangeQuorum {
  readonly #options: RangeQuorumOptions;

  constructor(options: RangeQuorumOptions) {
    this.#options = options;
  }

  /**
   * @throws QuorumError `precondition_failed`: too few replicas that answer follow the layout of the question, and some a newer
   *   one; `quorum_unavailable`: some partition has too few replicas that answer; `cancelled`
   */
  ask(question: RangeQuestion): Promise<ReadonlyMap<NodeId, RangePage>> {
    return new Promise((resolve, reject) => {
      const round = new RangeRound(this.#options, question, (error, pages) => {
        if (pages) resolve(pages);
        else reject(QuorumError.from(error));
      });
      round.start();
    });
  }
}

/** One question on its way. */
class RangeRound {
  readonly #options: RangeQuorumOptions;
  readonly #question: RangeQuestion;
  readonly #end: (error: QuorumError | undefined, pages: ReadonlyMap<NodeId, RangePage> | undefined) => void;
  readonly #electorates: readonly Electorate[];
  readonly #pages = new Map<NodeId, RangePage>();
  readonly #failures: NodeFailure[] = [];
  readonly #asked = new Set<NodeId>();
  readonly #abort = new AbortController();
  #impatient = false;
  /** Somebody follows a newer layout. */
  #isOutdated = false;
  #ended = false;
  #cancelPatience: (() => void) | undefined;
  readonly #giveUp = (): void => {
    this.#finish(new QuorumError({ code: "cancelled", message: "the caller gave it up" }), undefined);
  };

  constructor(
    options: RangeQuorumOptions,
    question: RangeQuestion,
    end: (error: QuorumError | undefined, pages: ReadonlyMap<NodeId, RangePage> | undefined) => void,
  ) {
    this.#options = options;
    this.#question = question;
    this.#end = end;
    this.#electorates = electoratesOf(question.view, question.bucket);
  }

  start(): void {
    const { signal, limit } = this.#question;
    if (signal.aborted) return this.#giveUp();
    signal.addEventListener("abort", this.#giveUp, { once: true });
    this.#cancelPatience = this.#options.clock.after(patienceBaseMs + limit * patiencePerEntryMs, () => {
      this.#impatient = true;
      this.#askRest();
      this.#settle();
    });
    for (const node of this.#firstChoice()) this.#ask(node);
  }

  /** Nearest first, until every electorate would have a read and a write quorum. */
  #firstChoice(): readonly NodeId[] {
    const chosen = new Set<NodeId>();
    const lacking = (voters: Electorate) => !hasQuorum(voters, "read", has) || !hasQuorum(voters, "write", has);
    const has = (node: NodeId) => chosen.has(node);
    let left = this.#electorates.filter(lacking);
    for (const node of this.#byNearness()) {
      if (left.length === 0) break;
      if (!left.some((voters) => voters.members.includes(node))) continue;
      chosen.add(node);
      left = left.filter(lacking);
    }
    return [...chosen];
  }

  #byNearness(): readonly NodeId[] {
    const { nodes } = this.#question.view;
    const voters = new Set(this.#electorates.flatMap(({ members }) => members));
    const rank = (node: NodeId) => (this.#options.isLocal(node) ? 0 : nodes.get(node)?.state === "up" ? 1 : 2);
    return [...voters].sort((a, b) => rank(a) - rank(b));
  }

  #askRest(): void {
    for (const node of this.#byNearness()) if (!this.#asked.has(node)) this.#ask(node);
  }

  #ask(node: NodeId): void {
    this.#asked.add(node);
    this.#pageOf(node).then(
      (page) => {
        this.#pages.set(node, page);
        this.#settle();
      },
      (thrown: unknown) => {
        const { code, message } = QuorumError.from(thrown);
        if (code === "precondition_failed") this.#isOutdated = true;
        this.#failures.push({ node, reason: message });
        if (!this.#ended) this.#askRest();
        this.#settle();
      },
    );
  }

  async #pageOf(node: NodeId): Promise<RangePage> {
    const { bucket, prefix, after, limit, view, deadlineMs } = this.#question;
    const { replica, context, isLocal, peers, clock } = this.#options;
    if (isLocal(node)) {
      await checkRangeLayout(context, view.layoutNumber);
      const page = await replica.rangeRead({ bucket: bucket.id, prefix, after, limit });
      await checkRangeLayout(context, view.layoutNumber);
      return page;
    }
    const peer = peers.find(node);
    if (!peer) throw new QuorumError({ code: "unavailable", message: "its address is not known" });
    const timeoutMs = Math.max(1, Math.ceil(deadlineMs - clock.nowMs()));
    const request = { bucket: bucket.id, prefix, after, limit, layout: view.layoutNumber };
    const response = await peer.bulk.unary(ReplicaServiceService.rangeRead, request, {
      timeoutMs,
      signal: this.#abort.signal,
    });
    return rangePageFromWire(response);
  }

  #settle(): void {
    if (this.#ended) return;
    const allAnswered = this.#pages.size + this.#failures.length === this.#asked.size;
    if (!allAnswered && !this.#impatient) return;
    const has = (node: NodeId) => this.#pages.has(node);
    const lacking = this.#electorates.find((voters) => !hasQuorum(voters, "read", has));
    if (!lacking) this.#finish(undefined, this.#pages);
    else if (allAnswered) this.#finish(this.#shortfall(lacking), undefined);
  }

  #shortfall(voters: Electorate): QuorumError {
    const { needed, got } = quorumShortfall(voters, "read", (node) => this.#pages.has(node));
    const nodes = this.#failures.filter(({ node }) => voters.members.some((member) => member === node));
    const why = nodes.map(({ node, reason }) => `node ${node}: ${reason}`).join("; ");
    return new QuorumError({
      code: this.#isOutdated ? "precondition_failed" : "quorum_unavailable",
      message: `some files of the list needed ${needed} answers and got ${got} (${why})`,
      details: { needed, got, nodes },
    });
  }

  #finish(error: QuorumError | undefined, pages: ReadonlyMap<NodeId, RangePage> | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelPatience?.();
    this.#question.signal.removeEventListener("abort", this.#giveUp);
    this.#abort.abort();
    this.#end(error, pages);
  }
}

const known = new WeakMap<ClusterView, Map<BucketView, readonly Electorate[]>>();

/** Every different set of voters that a bucket's partitions have; computed once per view, since there may be a thousand. */
function electoratesOf(view: ClusterView, bucket: BucketView): readonly Electorate[] {
  const ofView = known.get(view) ?? new Map<BucketView, readonly Electorate[]>();
  known.set(view, ofView);
  const cached = ofView.get(bucket);
  if (cached) return cached;
  const different = new Map<string, Electorate>();
  for (let partition = 0; partition < (view.layout?.partitions.length ?? 0); partition += 1) {
    const place = view.placeOf(bucket, partition as PartitionId);
    if (!place) continue;
    const groups = place.voters.groups.map(({ members }) => [...members].sort((a, b) => a - b).join(","));
    different.set(groups.join(";"), place.voters);
  }
  const electorates = [...different.values()];
  ofView.set(bucket, electorates);
  return electorates;
}
