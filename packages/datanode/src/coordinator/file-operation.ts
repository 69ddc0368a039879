import {
  type Clock,
  type CollectionOutcome,
  type MutationOutcome,
  QuorumError,
  type ReadingOutcome,
  type RegisterOperation,
} from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView, FilePlace } from "../cluster/cluster-view.js";
import type { Expiring } from "./deadlines.js";
import type { Follower } from "../follow/follower.js";
import { OperationRun } from "./operation-run.js";
import type { Hedges } from "./hedges.js";
import type { Pauses } from "./pauses.js";
import type { VoteLinks } from "./vote-links.js";
import type { VotedOperation, VoteMeter } from "./vote-meter.js";

/** What all operations of a coordinator share. */
export interface OperationContext {
  readonly store: ClusterStore;
  readonly links: VoteLinks;
  readonly pauses: Pauses;
  readonly hedges: Hedges;
  readonly clock: Clock;
  readonly votes: VoteMeter;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
}

/** How a {@link FileOperation} ended: with what its machine says, or with an error from around it. */
export type OperationEnd<Outcome> =
  | { readonly error: QuorumError; readonly outcome?: undefined }
  | { readonly error?: undefined; readonly outcome: Outcome; readonly place: FilePlace; readonly layoutNumber: number };

export interface FileOperationOptions<Outcome> {
  /** As it is counted. */
  readonly operation: VotedOperation;
  readonly bucket: BucketView;
  readonly path: string;
  readonly deadlineMs: number;
  readonly requestId: Uint8Array;
  readonly follower?: Follower | undefined;
  /** Whether an attempt before this operation may have taken effect. */
  readonly mayHaveRun: boolean;
  readonly machineFor: (place: FilePlace, mayHaveRun: boolean) => RegisterOperation<Outcome>;
  /** Called once. */
  readonly onEnd: (end: OperationEnd<Outcome>) => void;
}

// One move at a time changes a partition; who meets three within one request is better told than kept waiting.
const attemptsMax = 3;

/** One operation on one file, from finding its voters to its outcome; runs anew when the voters turn out to have changed. */
export class FileOperation<Outcome extends ReadingOutcome | MutationOutcome | CollectionOutcome> implements Expiring {
  readonly #context: OperationContext;
  readonly #options: FileOperationOptions<Outcome>;
  #state: "new" | "running" | "refreshing" | "ended" = "new";
  #run: OperationRun<Outcome> | undefined;
  #attempts = 0;
  /** Also on account of an attempt under an older layout: one that comes to nothing under a newer one does not settle that. */
  #mayHaveRun: boolean;

  constructor(context: OperationContext, options: FileOperationOptions<Outcome>) {
    this.#context = context;
    this.#options = options;
    this.#mayHaveRun = options.mayHaveRun;
  }

  get deadlineMs(): number {
    return this.#options.deadlineMs;
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  start(): void {
    const { store, links, clock, pauses, hedges, votes } = this.#context;
    const { operation, bucket, path, requestId, follower, machineFor } = this.#options;
    const place = store.view.place(bucket, path);
    const { layoutNumber } = store.view;
    if (!place) {
      this.#fail("unavailable", store.view.forming ?? "this DataNode knows no layout");
      return;
    }
    this.#state = "running";
    this.#attempts += 1;
    this.#run = new OperationRun<Outcome>({
      machine: machineFor(place, this.#mayHaveRun),
      target: { bucket: bucket.id, path, layout: place.layout },
      requestId,
      links,
      clock,
      pauses,
      hedges,
      voters: place.voters,
      follower,
      counts: votes.of(operation),
      onDone: (outcome) => this.#onDone(outcome, place, layoutNumber),
    });
    this.#run.start();
  }

  expire(): void {
    switch (this.#state) {
      case "new":
        this.#fail("unavailable", "earlier changes to the file took all the time there was; try again");
        break;
      case "running":
        this.#run?.expire();
        break;
      case "refreshing":
        this.#fail(...this.#staleError);
        break;
      case "ended":
        break;
    }
  }

  /** The caller has gone: ends the operation, unless it has begun to take effect; then it runs on to its end. */
  cancel(): void {
    if (this.#state === "ended" || (this.#state === "running" && !this.#run?.drop())) return;
    this.#fail("cancelled", "the caller gave it up");
  }

  #onDone(outcome: Outcome, place: FilePlace, layoutNumber: number): void {
    if (outcome.kind === "stale_layout" && this.#attempts < attemptsMax) {
      this.#mayHaveRun = outcome.mayHaveRun;
      this.#state = "refreshing";
      this.#context.votes.of(this.#options.operation).restarted += 1;
      void this.#followLayout(outcome.layout);
      return;
    }
    const isNothing = outcome.kind === "contended" || outcome.kind === "quorum_unavailable";
    if (isNothing && this.#mayHaveRun && !this.#options.mayHaveRun) {
      this.#fail("unknown_outcome", "a vote that was cast under an older layout may or may not take effect");
      return;
    }
    this.#state = "ended";
    if (outcome.kind === "contended") this.#context.votes.of(this.#options.operation).contended += 1;
    this.#options.onEnd({ outcome, place, layoutNumber });
  }

  async #followLayout(layout: number): Promise<void> {
    const { store, refresh, clock } = this.#context;
    const { follower } = this.#options;
    const sinceMs = clock.nowMs();
    try {
      if (store.view.layoutNumber < layout) await refresh();
      follower?.restarted(clock.nowMs() - sinceMs, layout);
    } catch (thrown) {
      if (!this.ended) this.#fail(...this.#staleError, thrown);
      return;
    }
    if (!this.ended) this.start();
  }

  get #staleError(): ["unknown_outcome" | "unavailable", string] {
    const code = this.#mayHaveRun ? "unknown_outcome" : "unavailable";
    return [code, "the replicas follow a newer layout, and no SuperNode told it to this DataNode; try again"];
  }

  #fail(code: QuorumError["code"], message: string, cause?: unknown): void {
    this.#state = "ended";
    this.#options.onEnd({ error: new QuorumError({ code, message, cause }) });
  }
}
