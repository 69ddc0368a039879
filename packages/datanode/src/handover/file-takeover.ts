/** Does for one file what core's `takeoverOf` has decided: copies the value to this node's replica, or runs a transfer round. */
import {
  type Ballot,
  type Clock,
  compareBallots,
  hasContent,
  type HeldState,
  isZeroBallot,
  type NodeId,
  QuorumError,
  reasonOf,
  type ReplicaReply,
  sameBallot,
  type Takeover,
  type Value,
} from "@quorumfs/core";
import type { BucketView } from "../cluster/cluster-view.js";
import { contentMatches } from "../coordinator/content-check.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { VoteLinks } from "../coordinator/vote-links.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ReplicaTarget } from "../replica/messages.js";

/** As long as a client would wait; whatever takes longer is tried again with the next pass. */
const roundTimeoutMs = 10_000;

/** Clients that write the file all the time win each round only by chance. */
const roundsMax = 5;

const noRequestId = new Uint8Array(0);

/** A file that is to be taken over. */
export interface FileToTake {
  readonly bucket: BucketView;
  readonly path: string;
  /** Of its partition. */
  readonly layout: number;
  readonly takeover: Extract<Takeover, { kind: "chosen" | "unsettled" }>;
  /** What this node's replica has accepted; undefined: nothing. */
  readonly own: Ballot | undefined;
  /** This node is in the old group, too. */
  readonly stays: boolean;
}

/** `held`: it was here already. */
export type FileTaken = { readonly kind: "held" } | { readonly kind: "copied" | "settled"; readonly bytes: number };

export interface FileTakeoverOptions {
  readonly links: Pick<VoteLinks, "ask" | "isLocal">;
  readonly replica: Pick<LocalReplica, "handle">;
  readonly coordinator: Pick<Coordinator, "settle">;
  readonly clock: Clock;
}

const held: FileTaken = Object.freeze({ kind: "held" });

export class FileTakeover {
  readonly #options: FileTakeoverOptions;

  constructor(options: FileTakeoverOptions) {
    this.#options = options;
  }

  /** What these nodes hold of a file by now; who does not say is left out. */
  async ask(
    { bucket, path, layout }: Pick<FileToTake, "bucket" | "path" | "layout">,
    nodes: readonly NodeId[],
  ): Promise<ReadonlyMap<NodeId, HeldState>> {
    const target = { bucket: bucket.id, path, layout };
    const answers = new Map<NodeId, HeldState>();
    await Promise.all(
      nodes.map(async (node) => {
        const reply = await this.#read(node, target, { withContent: false });
        if (reply?.kind === "corrupt") answers.set(node, { kind: "corrupt" });
        if (reply?.kind !== "state") return;
        const { accepted, committed } = reply;
        answers.set(node, isZeroBallot(accepted) ? { kind: "none" } : { kind: "record", accepted, committed });
      }),
    );
    return answers;
  }

  /**
   * Resolves when the new group has the file, as far as this node sees to that.
   *
   * @throws QuorumError `unavailable`, `quorum_unavailable`: it cannot be done just now
   */
  async take(file: FileToTake): Promise<FileTaken> {
    const { takeover, own, stays } = file;
    if (takeover.kind === "unsettled") return this.#transfer(file);
    const order = own ? compareBallots(own, takeover.ballot) : -1;
    // A node that began with nothing has everything by votes of this layout, whose promises of the old group have met what
    // is below; or by such a copy.
    if (order === 0 || (order > 0 && !stays)) return held;
    const value = await this.#fetch(file, takeover);
    if (!value) return this.#transfer(file);
    const reply = await this.#vote(file, takeover.ballot, value);
    switch (reply.kind) {
      case "ok":
        return { kind: "copied", bytes: bytesOf(value) };
      case "nack":
      case "corrupt":
        return this.#transfer(file);
      case "refused":
        // Its bucket is being deleted.
        if (reply.code === "not_found") return held;
        throw new QuorumError({ code: "unavailable", message: reply.reason });
      case "stale_layout":
      case "state":
        throw new QuorumError({ code: "unavailable", message: reasonOf(reply) });
    }
  }

  /** The value at the ballot that is chosen, with its content. @returns undefined if nobody has exactly that any more */
  async #fetch(
    { bucket, path, layout }: FileToTake,
    { ballot, holders }: Extract<Takeover, { kind: "chosen" }>,
  ): Promise<Value | undefined> {
    const target = { bucket: bucket.id, path, layout };
    for (const node of holders) {
      if (this.#options.links.isLocal(node)) continue;
      const reply = await this.#read(node, target, { withContent: true });
      if (reply?.kind !== "state" || !sameBallot(reply.accepted, ballot) || !contentMatches(reply)) continue;
      if (reply.value && hasContent(reply.value)) return reply.value;
    }
    return undefined;
  }

  #read(
    node: NodeId,
    target: ReplicaTarget,
    { withContent }: { readonly withContent: boolean },
  ): Promise<ReplicaReply | undefined> {
    const request = { kind: "read", withContent } as const;
    return new Promise((resolve) => {
      this.#options.links.ask(node, { target, request, requestId: noRequestId }, (reply) => resolve(reply));
    });
  }

  /** A vote that this node's replica would have given, had it been asked; it carries no promise. */
  #vote({ bucket, path, layout }: FileToTake, ballot: Ballot, value: Value): Promise<ReplicaReply> {
    const target = { bucket: bucket.id, path, layout };
    return new Promise((resolve) => {
      this.#options.replica.handle(target, { kind: "accept", ballot, value }, resolve);
    });
  }

  async #transfer(file: FileToTake): Promise<FileTaken> {
    for (let round = 1; ; round += 1) {
      try {
        return await this.#transferOnce(file);
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (error.code === "not_found") return held;
        if (round >= roundsMax || !error.retryable) throw error;
      }
    }
  }

  #transferOnce({ bucket, path, layout }: FileToTake): Promise<FileTaken> {
    const { coordinator, clock } = this.#options;
    const deadlineMs = clock.nowMs() + roundTimeoutMs;
    return new Promise((resolve, reject) => {
      coordinator.settle({ bucket, path, deadlineMs, via: "transfer" }, (error, settled) => {
        if (!settled) return reject(QuorumError.from(error));
        if (settled.place.layout !== layout) return reject(movedOn(settled.place.layout));
        resolve({ kind: "settled", bytes: settled.value ? bytesOf(settled.value) : 0 });
      });
    });
  }
}

/** Of the record: a large file's is its manifest. */
function bytesOf({ content }: Value): number {
  return content.kind === "inline" || content.kind === "manifest" ? content.bytes.byteLength : 0;
}

function movedOn(layout: number): QuorumError {
  return new QuorumError({ code: "precondition_failed", message: `the partition has layout ${layout} by now` });
}
