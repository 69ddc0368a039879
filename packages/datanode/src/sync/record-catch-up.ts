/**
 * Gets records that this node lacks from a replica that has them, content and all, and gives them to the own replica.
 *
 * What is given is ACCEPT(b, v) without `next`: a vote that had been asked for once, and whose message was lost. It proves
 * nothing new, and takes no promise. Where the own replica refuses it, because it has promised more since, or the partition's
 * floor forbids the ballot, an identity round settles what is chosen (PROTOCOL.md, "Catching up").
 */
import {
  type CancelSignal,
  type Clock,
  compareBallots,
  inlineBytesMax,
  isZeroBallot,
  type Log,
  type NodeId,
  QuorumError,
  type ReplicaReply,
  type ReplicaRequest,
  reasonOf,
} from "@quorumfs/core";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import { finished } from "../content/current-file.js";
import { contentMatches } from "../coordinator/content-check.js";
import type { Coordinator, Settled } from "../coordinator/coordinator.js";
import type { Vote, VoteLinks } from "../coordinator/vote-links.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { FileOwner } from "../chunk/chunk-key.js";
import { InFlight } from "./in-flight.js";
import type { LackingRecord } from "./lacking-records.js";
import type { TransferPace } from "./transfer-pace.js";

/** Enough to hide the way there and back and a commit; a read vote each, of which the other side has thousands. */
const tasksMax = 64;

/** What stands before votes on the lane: a few milliseconds' worth. */
const bytesMax = 1024 * 1024;

// As long as a client would wait; what does not succeed is tried again after the next comparison.
const settleTimeoutMs = 10_000;

const noRequestId = new Uint8Array(0);

/** `held`: this node has it durably. `unneeded`: nobody has it any more, or the bucket is gone. `full`: there is no room here. */
export const fetchOutcomes = ["held", "unneeded", "full", "failed"] as const;
export type FetchOutcome = (typeof fetchOutcomes)[number];

export interface CatchUpResult {
  readonly held: number;
  readonly failed: number;
  /** Left out, since the disk is nearly full. */
  readonly leftOut: number;
  /** Files of chunks among what is held now. */
  readonly large: readonly FileOwner[];
}

export interface RecordCatchUpOptions {
  readonly replica: Pick<LocalReplica, "acceptedOf" | "handle">;
  readonly links: Pick<VoteLinks, "ask" | "reportDamage">;
  readonly coordinator: Pick<Coordinator, "settle">;
  readonly store: Pick<ClusterStore, "view">;
  readonly chunks: Pick<ChunkStore, "isFull">;
  readonly pace: TransferPace;
  readonly clock: Clock;
  readonly log: Log;
}

export class RecordCatchUp {
  readonly #options: RecordCatchUpOptions;
  readonly #totals: Record<FetchOutcome, number> = { held: 0, unneeded: 0, full: 0, failed: 0 };

  constructor(options: RecordCatchUpOptions) {
    this.#options = options;
  }

  /** What became of the records that were to be fetched, since the start. */
  get totals(): Readonly<Record<FetchOutcome, number>> {
    return this.#totals;
  }

  /**
   * Fetches `records`, each as it is at `source` by then; ends early when `signal` is aborted. Never throws.
   *
   * @param onDone called for each record, whatever has become of it
   */
  async fetch(
    source: NodeId,
    records: readonly LackingRecord[],
    options: { readonly signal: CancelSignal; readonly onDone: (record: LackingRecord) => void },
  ): Promise<CatchUpResult> {
    const { pace } = this.#options;
    const { signal, onDone } = options;
    const counts: Record<FetchOutcome, number> = { held: 0, unneeded: 0, full: 0, failed: 0 };
    const large: FileOwner[] = [];
    const inFlight = new InFlight({ tasksMax, bytesMax });
    for (const record of records) {
      const { bucket, path, size } = record;
      // Of a large file, only the manifest comes this way.
      const bytes = Math.min(size, inlineBytesMax);
      await inFlight.room(bytes);
      await pace.spend(bytes, signal);
      if (signal.aborted) break;
      inFlight.run(bytes, async () => {
        const outcome = await this.#fetchOne(source, record, signal);
        counts[outcome] += 1;
        this.#totals[outcome] += 1;
        if (outcome === "held" && size > inlineBytesMax) large.push({ bucket, path });
        onDone(record);
      });
    }
    await inFlight.ended();
    return { held: counts.held, failed: counts.failed, leftOut: counts.full, large };
  }

  async #fetchOne(source: NodeId, record: LackingRecord, signal: CancelSignal): Promise<FetchOutcome> {
    const { log, chunks } = this.#options;
    const { bucket, path } = record;
    try {
      if (this.#isHeld(record)) return "held";
      if (chunks.isFull && !record.isTombstone) return "full";
      return (await this.#copy(source, record)) ?? (await this.#settle(record, signal));
    } catch (thrown) {
      const { code, message: reason } = QuorumError.from(thrown);
      if (!signal.aborted) log.debug("catch-up.record-failed", { bucket, path, source, code, reason });
      return "failed";
    }
  }

  /** Whether the vote that was on its way has come, or a newer one. */
  #isHeld({ bucket, path, accepted }: LackingRecord): boolean {
    const own = this.#options.replica.acceptedOf(bucket, path);
    return own !== undefined && compareBallots(own, accepted) >= 0;
  }

  /** @returns undefined if only an identity round can tell. @throws QuorumError why it cannot be done just now */
  async #copy(source: NodeId, { bucket, path, layout }: LackingRecord): Promise<FetchOutcome | undefined> {
    const target = { bucket, path, layout };
    const found = await this.#ask(source, {
      target,
      request: { kind: "read", withContent: true },
      requestId: noRequestId,
    });
    // It met damage, and has it repaired; other replicas have the record, too.
    if (found.kind !== "state") throw refusal(found);
    if (!found.value || isZeroBallot(found.accepted)) return "unneeded";
    if (!contentMatches(found)) {
      this.#options.links.reportDamage(source, target);
      return undefined;
    }
    const request: ReplicaRequest = { kind: "accept", ballot: found.accepted, value: found.value };
    const reply = await new Promise<ReplicaReply>((resolve) => this.#options.replica.handle(target, request, resolve));
    if (reply.kind === "ok") return "held";
    if (reply.kind === "nack") return undefined;
    throw refusal(reply);
  }

  async #settle({ bucket: id, path }: LackingRecord, signal: CancelSignal): Promise<FetchOutcome> {
    const { coordinator, store, clock } = this.#options;
    const bucket = store.view.buckets.get(id);
    if (!bucket) return "unneeded";
    const deadlineMs = clock.nowMs() + settleTimeoutMs;
    const { value } = await finished<Settled>((done) => coordinator.settle({ bucket, path, deadlineMs }, done), signal);
    return value ? "held" : "unneeded";
  }

  #ask(node: NodeId, vote: Vote): Promise<ReplicaReply> {
    return new Promise((resolve, reject) => {
      this.#options.links.ask(node, vote, (reply, reason) => {
        if (reply) resolve(reply);
        else reject(new QuorumError({ code: "unavailable", message: reason }));
      });
    });
  }
}

function refusal(reply: ReplicaReply): QuorumError {
  const code = reply.kind === "refused" ? reply.code : "unavailable";
  return new QuorumError({ code, message: reasonOf(reply) });
}
