/**
 * Deletes a bucket that has no files. That nobody writes meanwhile is what takes the care: first the bucket is published as
 * being deleted, and every DataNode, which refuses its writes from then on, says by its beat that it knows. What is
 * in the bucket then stays in it, so the DataNodes' records can be looked through. On any doubt the bucket is as before.
 */
import { type Clock, type Log, type NodeFailure, QuorumError } from "@quorumfs/core";
import type { Bucket } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import type { Member } from "../cluster/member.js";
import type { Notice } from "../events/event-log.js";
import type { OneAtATime } from "../one-at-a-time.js";
import type { StateQueries } from "../state/state-queries.js";

export interface DeletionOptions {
  readonly state: ClusterState;
  /** Shared by all who change the cluster. */
  readonly changes: OneAtATime;
  readonly queries: StateQueries;
  readonly timeoutMs: number;
  readonly notice: Notice;
  readonly clock: Clock;
  readonly log: Log;
}

export class Deletion {
  readonly #options: DeletionOptions;
  readonly #underWay = new Set<string>();
  readonly #stop = new AbortController();

  constructor(options: DeletionOptions) {
    this.#options = options;
  }

  /** Takes back what a crash has left half done. */
  async recover(): Promise<void> {
    for (const bucket of this.#options.state.buckets.filter(({ deleting }) => deleting)) await this.#undo(bucket);
  }

  /**
   * @throws QuorumError `not_found`; `precondition_failed` if it has files; `unavailable` unless all DataNodes take part
   */
  async delete(name: string): Promise<void> {
    const { notice, log, clock } = this.#options;
    const bucket = await this.#mark(name);
    const deadline = new AbortController();
    const cancel = clock.after(this.#options.timeoutMs, () => deadline.abort());
    const abort = (): void => deadline.abort();
    this.#stop.signal.addEventListener("abort", abort, { once: true });
    try {
      await this.#awaitFollowers(this.#options.state.revision, deadline.signal);
      await this.#requireEmpty(bucket, deadline.signal);
      await this.#options.changes.run(() => this.#options.state.apply({ removedBuckets: [bucket] }));
      log.info("bucket.deleted", { bucket: name, bucketId: bucket.id });
      notice("bucket.deleted", `bucket ${name} was deleted`, { fields: { bucket: name } });
    } catch (thrown) {
      log.info("bucket.kept", { bucket: name, bucketId: bucket.id, reason: QuorumError.from(thrown).message });
      await this.#undo(bucket);
      throw thrown;
    } finally {
      this.#underWay.delete(name);
      this.#stop.signal.removeEventListener("abort", abort);
      cancel();
    }
  }

  /** Gives up what is under way. */
  close(): void {
    this.#stop.abort();
  }

  #mark(name: string): Promise<Bucket> {
    const { state, changes } = this.#options;
    return changes.run(async () => {
      const bucket = state.requireBucket(name);
      if (this.#underWay.has(name)) {
        throw new QuorumError({ code: "precondition_failed", message: `bucket ${name} is being deleted already` });
      }
      const absent = this.#present().filter(({ id }) => state.healthOf(id) !== "up");
      if (absent.length > 0) {
        const nodes = absent.map(({ id }) => ({ node: id, reason: state.healthOf(id) }));
        throw notAll(`bucket ${name} can be deleted while all DataNodes are up`, nodes);
      }
      const marked = { ...bucket, deleting: true };
      this.#underWay.add(name);
      try {
        await state.apply({ buckets: [marked] });
      } catch (error) {
        this.#underWay.delete(name);
        throw error;
      }
      return marked;
    });
  }

  async #awaitFollowers(revision: number, signal: AbortSignal): Promise<void> {
    const { state } = this.#options;
    for (;;) {
      const behind = this.#present().filter(({ id }) => state.followedBy(id) < revision);
      if (behind.length === 0) return;
      if (signal.aborted) {
        const nodes = behind.map(({ id }) => ({ node: id, reason: "has not said that it knows of the deletion" }));
        throw notAll("not all DataNodes have learned of the deletion in time", nodes);
      }
      await state.beaten.next(signal);
    }
  }

  async #requireEmpty(bucket: Bucket, signal: AbortSignal): Promise<void> {
    const { state, queries } = this.#options;
    const before = state.layout?.number;
    const { unreachable, example } = await queries.firstFile(bucket, signal);
    if (example !== undefined) {
      throw new QuorumError({
        code: "precondition_failed",
        message: `bucket ${bucket.name} has files, for example ${example}; delete them first`,
      });
    }
    if (unreachable.length > 0) {
      const nodes = unreachable.map((node) => ({ node, reason: "did not say what it holds" }));
      throw notAll(`nobody knows whether bucket ${bucket.name} is empty`, nodes);
    }
    // A file may have gone from a node that gave it away to one that had told already what it held.
    if (state.layout?.number !== before) await this.#requireEmpty(bucket, signal);
  }

  /** Who is lost for good writes nothing any more. */
  #present(): readonly Member[] {
    return this.#options.state.members.filter(({ role }) => role !== "lost");
  }

  async #undo(bucket: Bucket): Promise<void> {
    const { state, changes } = this.#options;
    await changes.run(() => state.apply({ buckets: [{ ...bucket, deleting: false }] }));
  }
}

function notAll(what: string, nodes: readonly NodeFailure[]): QuorumError {
  const said = nodes.map(({ node, reason }) => `node ${node}: ${reason}`).join(", ");
  return new QuorumError({ code: "unavailable", message: `${what} (${said})`, details: { nodes } });
}
