import {
  type CollectionOutcome,
  type Condition,
  type Effects,
  type Electorate,
  type Intent,
  type Kept,
  type MutationOutcome,
  type NodeId,
  type PartitionAssignment,
  type ReadingOutcome,
  type RegisterOperation,
  type ReplicaReply,
  type ReplicaRequest,
} from "@quorumfs/core";
import type { Coverage } from "./coverage.js";
import type { EventQueue } from "./event-queue.js";
import type { FollowedLayout } from "./followed-layout.js";
import { bytesOf, formatReply, formatRequest } from "./format.js";
import type { Network } from "./network.js";
import type { HistoryPlan } from "./plan.js";
import type { Prng } from "./prng.js";
import type { Protocol } from "./protocol.js";
import type { SimulatedReplica } from "./simulated-replica.js";
import { Violation } from "./violation.js";
import type { VoteLedger } from "./vote-ledger.js";

/** The rules of the shell around the machines. A mutation test takes one out. */
export interface CoordinatorRules {
  readonly countsIncarnations: boolean;
  /** Kept promises end with their layout. */
  readonly keepsWithinLayout: boolean;
  /** An attempt that comes to nothing under a newer layout does not settle what one under an older layout has begun. */
  readonly doubtsOutlastLayouts: boolean;
}

export const coordinatorRules: CoordinatorRules = {
  countsIncarnations: true,
  keepsWithinLayout: true,
  doubtsOutlastLayouts: true,
};

export type Trace = (line: () => string) => void;

export interface SimulatedCoordinatorOptions {
  /** Of the node in the network; those with a lower index than there are replicas have one, too. */
  readonly index: number;
  readonly node: NodeId;
  readonly protocol: Protocol;
  readonly rules: CoordinatorRules;
  readonly followed: FollowedLayout;
  readonly ledger: VoteLedger;
  readonly replicas: readonly SimulatedReplica[];
  readonly network: Network;
  readonly queue: EventQueue;
  readonly prng: Prng;
  readonly plan: HistoryPlan;
  readonly coverage: Coverage;
  readonly trace: Trace | undefined;
}

export interface MutateRequest {
  readonly intent: Exclude<Intent, { kind: "identity" }>;
  readonly condition: Condition;
  readonly requestId: Uint8Array;
  readonly mayHaveRun: boolean;
  readonly mayBeRepeated: boolean;
  readonly seenVersion: number;
  readonly deadlineMs: number;
}

/** What the coordinator does when the caller's connection breaks under it. */
export type Gone = () => void;

/** One attempt at an operation, under one layout. */
interface Attempt<Outcome> {
  readonly deadlineMs: number;
  readonly gone: Gone;
  readonly mayHaveRun: boolean;
  readonly machineFor: (voters: Electorate, mayHaveRun: boolean) => RegisterOperation<Outcome>;
  /** It has come to nothing, and an earlier one, under an older layout, may take effect. */
  readonly inDoubt: () => void;
}

// As the real one: whoever meets as many new layouts within one operation is better told than kept waiting.
const attemptsMax = 3;

interface Run {
  readonly layout: number;
  readonly deadlineMs: number;
  readonly gone: Gone;
  /** Which phases it went through: the words of its requests. */
  readonly phases: Set<string>;
  ended: boolean;
}

/**
 * The coordinator of one DataNode: a shell around core's machines as thin as the real one. It keeps promises, queues
 * mutations, and forgets everything when it crashes.
 */
export class SimulatedCoordinator {
  readonly index: number;
  readonly #options: SimulatedCoordinatorOptions;
  #incarnation = 1;
  #up = true;
  #paused = false;
  /** Counts crashes, so that nothing of a former life happens in the next. */
  #life = 0;
  #highestSeen = 0;
  #kept: Kept | undefined;
  #mutating = false;
  #waiting: (() => void)[] = [];
  /** What happened while it was paused. */
  #backlog: (() => void)[] = [];
  readonly #runs = new Set<Run>();

  constructor(options: SimulatedCoordinatorOptions) {
    this.#options = options;
    this.index = options.index;
    options.followed.onFollowed(() => {
      if (options.rules.keepsWithinLayout) this.#kept = undefined;
    });
  }

  get isUp(): boolean {
    return this.#up;
  }

  get isIdle(): boolean {
    return this.#runs.size === 0 && this.#waiting.length === 0;
  }

  mutate(request: MutateRequest, end: (outcome: MutationOutcome) => void, gone: Gone): void {
    this.#whenAwake(this.#life, () => {
      const start = () => this.#startMutation(request, end, gone);
      if (this.#mutating) this.#waiting.push(start);
      else start();
    });
  }

  #startMutation(request: MutateRequest, end: (outcome: MutationOutcome) => void, gone: Gone): void {
    const { protocol, queue, coverage, ledger, followed, rules } = this.#options;
    const { deadlineMs, mayHaveRun } = request;
    if (queue.nowMs > deadlineMs) {
      gone();
      this.#waiting.shift()?.();
      return;
    }
    this.#mutating = true;
    let usesKept = false;
    const machineFor = (voters: Electorate, mayHaveRunNow: boolean) => {
      const kept = this.#kept;
      this.#kept = undefined;
      usesKept = kept !== undefined && !mayHaveRunNow;
      return new protocol.Mutation({
        ...request,
        mayHaveRun: mayHaveRunNow,
        voters,
        self: this.#self,
        counterHint: this.#counterHint,
        ...(kept && { kept }),
        nowMs: Math.trunc(queue.nowMs),
      });
    };
    const finish = (outcome: MutationOutcome) => {
      this.#mutating = false;
      end(outcome);
      this.#waiting.shift()?.();
    };
    const inDoubt = () => finish({ kind: "unknown", reason: "an attempt under an older layout may take effect" });
    this.#operate<MutationOutcome>({ machineFor, inDoubt, mayHaveRun, deadlineMs, gone }, (outcome, run) => {
      if (outcome.kind === "condition_failed" && outcome.current) ledger.expectChosen(outcome.current);
      if (outcome.kind === "applied") {
        ledger.expectChosen(outcome.value);
        if (run.layout === followed.view.layout || !rules.keepsWithinLayout) this.#kept = outcome.kept;
        const path = run.phases.has("prepare") ? "two round trips or more" : "one round trip";
        coverage.count(`mutation applied, ${path}`);
        if (usesKept) coverage.count(`mutation with a kept promise, ${path}`);
      }
      finish(outcome);
    });
  }

  read(
    request: { readonly withContent: boolean; readonly deadlineMs: number },
    end: (outcome: ReadingOutcome) => void,
    gone: Gone,
  ): void {
    this.#whenAwake(this.#life, () => {
      const { protocol, queue, coverage, ledger } = this.#options;
      const { deadlineMs } = request;
      if (queue.nowMs > deadlineMs) {
        gone();
        return;
      }
      const machineFor = (voters: Electorate) =>
        new protocol.Reading({
          voters,
          self: this.#self,
          withContent: request.withContent,
          counterHint: this.#counterHint,
          requestId: bytesOf("read"),
          nowMs: Math.trunc(queue.nowMs),
        });
      this.#operate<ReadingOutcome>(
        { machineFor, inDoubt: nothing, mayHaveRun: false, deadlineMs, gone },
        (outcome, run) => {
          if (outcome.kind === "found") ledger.expectChosen(outcome.value);
          if (outcome.kind === "found" || outcome.kind === "not_found") {
            const how = run.phases.has("prepare")
              ? "by an identity round"
              : run.phases.has("accept")
                ? "with write-back"
                : "in one vote";
            coverage.count(`read settled ${how}`);
          }
          end(outcome);
        },
      );
    });
  }

  collect(deadlineMs: number): void {
    if (!this.#up) return;
    this.#whenAwake(this.#life, () => {
      const { protocol, queue, coverage } = this.#options;
      if (queue.nowMs > deadlineMs) return;
      const machineFor = (voters: Electorate) =>
        new protocol.Collection({
          voters,
          self: this.#self,
          requestId: bytesOf("collect"),
          counterHint: this.#counterHint,
          nowMs: Math.trunc(queue.nowMs),
        });
      this.#operate<CollectionOutcome>(
        { machineFor, inDoubt: nothing, mayHaveRun: false, deadlineMs, gone: nothing },
        (outcome) => {
          coverage.count(`collection ${outcome.kind.replaceAll("_", " ")}`);
        },
      );
    });
  }

  /** An identity round; `end` is called unless the coordinator crashes before. */
  settle(options: SettleOptions, end: (outcome: MutationOutcome) => void): void {
    const { what, deadlineMs, orTombstone = false } = options;
    this.#whenAwake(this.#life, () => {
      const { queue } = this.#options;
      if (queue.nowMs > deadlineMs) return;
      const machineFor = (voters: Electorate) => this.#identity(voters, { what, orTombstone });
      this.#operate<MutationOutcome>(
        { machineFor, inDoubt: nothing, mayHaveRun: false, deadlineMs, gone: nothing },
        (outcome) => {
          this.#onSettled(what, outcome);
          end(outcome);
        },
      );
    });
  }

  /** An identity round of which one vote leaves, to one node, as if the coordinator had died in the middle of it. */
  halfRound(options: { readonly to: NodeId; readonly counterHint: number; readonly deadlineMs: number }): void {
    this.#whenAwake(this.#life, () => {
      const { protocol, plan, followed } = this.#options;
      const { to, counterHint, deadlineMs } = options;
      const { view } = followed;
      const machine = this.#identity(protocol.votersOf(view, plan.quorum), { what: "half", counterHint });
      this.#run(machine, { view, deadlineMs, gone: nothing, votesOnlyTo: to }, () => undefined);
    });
  }

  /** A transfer round under this joint layout; `end` is called unless that is over, or the coordinator crashes. */
  transfer(layout: number, deadlineMs: number, end: (outcome: MutationOutcome) => void): void {
    this.#whenAwake(this.#life, () => {
      const { protocol, plan, followed } = this.#options;
      if (followed.view.layout !== layout) return;
      const voters = protocol.transferVoters(protocol.votersOf(followed.view, plan.quorum));
      const machine = this.#identity(voters, { what: "transfer", transfer: true });
      this.#run(machine, { view: followed.view, deadlineMs, gone: nothing }, (outcome) => {
        this.#options.coverage.count(`transfer round: ${outcome.kind.replaceAll("_", " ")}`);
        end(outcome);
      });
    });
  }

  #identity(
    voters: Electorate,
    options: {
      readonly what: string;
      readonly orTombstone?: boolean;
      readonly transfer?: boolean;
      readonly counterHint?: number;
    },
  ): InstanceType<Protocol["Mutation"]> {
    const { protocol, queue, replicas } = this.#options;
    const { what, orTombstone = false, transfer = false } = options;
    const { counterHint = replicas[this.index]?.promisedCounter ?? 0 } = options;
    return new protocol.Mutation({
      voters,
      self: this.#self,
      intent: { kind: "identity", orTombstone, transfer },
      condition: { kind: "none" },
      requestId: bytesOf(what),
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      counterHint,
      nowMs: Math.trunc(queue.nowMs),
    });
  }

  #onSettled(what: string, outcome: MutationOutcome): void {
    const { coverage, ledger } = this.#options;
    coverage.count(`${what} round: ${outcome.kind.replaceAll("_", " ")}`);
    if (outcome.kind === "applied") ledger.expectChosen(outcome.value);
  }

  /** Runs an operation, and runs it anew when the voters turn out to have changed. */
  #operate<Outcome extends MutationOutcome | ReadingOutcome | CollectionOutcome>(
    attempt: Attempt<Outcome>,
    end: (outcome: Outcome, run: Run) => void,
    number = 1,
  ): void {
    const { protocol, plan, followed, coverage, rules } = this.#options;
    const { machineFor, mayHaveRun, deadlineMs, gone } = attempt;
    const { view } = followed;
    // What an attempt under an older layout has begun, a later one that comes to nothing does not undo.
    const isInDoubt = mayHaveRun && number > 1;
    const machine = machineFor(protocol.votersOf(view, plan.quorum), mayHaveRun);
    this.#run(machine, { view, deadlineMs, gone }, (outcome, run) => {
      if (outcome.kind !== "stale_layout" || number === attemptsMax) {
        const isNothing = outcome.kind === "contended" || outcome.kind === "quorum_unavailable";
        if (isNothing && isInDoubt && rules.doubtsOutlastLayouts) attempt.inDoubt();
        else end(outcome, run);
        return;
      }
      coverage.count("operation begun anew under a newer layout");
      this.#refresh(outcome.layout, run, (isThere) => {
        if (isThere) this.#operate({ ...attempt, mayHaveRun: outcome.mayHaveRun }, end, number + 1);
        else end(outcome, run);
      });
    });
  }

  #refresh(layout: number, run: Run, then: (isThere: boolean) => void): void {
    const { followed, queue } = this.#options;
    const life = this.#life;
    const waiting: Run = { ...run, ended: false };
    this.#runs.add(waiting);
    const end = (isThere: boolean) => {
      this.#whenAwake(life, () => {
        this.#runs.delete(waiting);
        then(isThere);
      });
    };
    const waitMs = Math.max(0, run.deadlineMs - queue.nowMs);
    followed.await(
      layout,
      waitMs,
      () => end(true),
      () => end(false),
    );
  }

  get #self(): { node: NodeId; incarnation: number } {
    return { node: this.#options.node, incarnation: this.#incarnation };
  }

  get #counterHint(): number {
    const { plan, replicas } = this.#options;
    switch (plan.counterHints) {
      case "none":
        return 0;
      case "own replica":
        return replicas[this.index]?.promisedCounter ?? 0;
      case "highest seen":
        return this.#highestSeen;
    }
  }

  #run<Outcome>(
    machine: RegisterOperation<Outcome>,
    options: { view: PartitionAssignment; deadlineMs: number; gone: Gone; votesOnlyTo?: NodeId },
    end: (outcome: Outcome, run: Run) => void,
  ): void {
    const { queue } = this.#options;
    const life = this.#life;
    const { view, deadlineMs, gone, votesOnlyTo } = options;
    const { layout } = view;
    const run: Run = { layout, deadlineMs, gone, phases: new Set(), ended: false };
    this.#runs.add(run);

    const perform = (effects: Effects<Outcome>): void => {
      for (const effect of effects) {
        if (run.ended) throw new Violation("a machine went on after its end");
        switch (effect.kind) {
          case "send":
            if (effect.round !== 0) run.phases.add(effect.request.kind);
            this.#learn(effect.request);
            for (const node of effect.to) {
              if (effect.request.kind === "accept" && votesOnlyTo !== undefined && node !== votesOnlyTo) continue;
              this.#send(node, layout, effect.request, answerTo(effect.round, node));
            }
            break;
          case "timer":
            queue.after(this.#delayOf(effect.purpose, effect.attempt), () => {
              feed(() => machine.onTimer(effect.timer));
            });
            break;
          case "done":
            run.ended = true;
            this.#runs.delete(run);
            end(effect.outcome, run);
            break;
        }
      }
    };
    const feed = (event: () => Effects<Outcome>): void => {
      this.#whenAwake(life, () => {
        // After its end too: a machine has to bear that.
        perform(!run.ended && queue.nowMs > run.deadlineMs ? machine.onDeadline() : event());
      });
    };
    const answerTo = (round: number, node: NodeId): Answer | undefined => {
      if (round === 0) return undefined;
      return {
        reply: (reply) => feed(() => machine.onReply(round, node, reply)),
        fail: () => feed(() => machine.onFailure(round, node, "no answer")),
      };
    };
    queue.after(Math.max(0, run.deadlineMs - queue.nowMs), () => feed(() => machine.onDeadline()));
    perform(machine.start());
  }

  #delayOf(purpose: "patience" | "backoff", attempt: number): number {
    const { plan, prng } = this.#options;
    if (purpose === "patience") return plan.patienceMs;
    return prng.fraction() * plan.network.delayMs * 2 ** attempt;
  }

  #learn(request: ReplicaRequest): void {
    if (request.kind !== "read") this.#highestSeen = Math.max(this.#highestSeen, request.ballot.counter);
  }

  #send(node: NodeId, layout: number, request: ReplicaRequest, answer: Answer | undefined): void {
    const { network, queue, replicas, trace, coverage, prng } = this.#options;
    const to = node - 1;
    const replica = replicas[to];
    if (!replica) return;
    trace?.(() => `${this.#name} -> ${node} L${layout} ${formatRequest(request)}`);
    const lost = () => answer?.fail();
    network.send({
      from: this.index,
      to,
      lost,
      deliver: () => {
        if (!replica.isUp) {
          if (prng.chance(0.7)) queue.after(prng.fraction() * 20, lost);
          return;
        }
        replica.receive(layout, request, (reply) => {
          if (reply.kind === "nack" || reply.kind === "corrupt" || reply.kind === "stale_layout") {
            coverage.count(reply.kind);
          }
          if (!answer) return;
          trace?.(() => `${this.#name} <- ${node} ${formatReply(reply)} to ${formatRequest(request)}`);
          network.send({ from: to, to: this.index, lost, deliver: () => answer.reply(reply) });
        });
      },
    });
  }

  get #name(): string {
    return `node ${this.#options.node}.${this.#incarnation}`;
  }

  #whenAwake(life: number, action: () => void): void {
    if (life !== this.#life || !this.#up) return;
    if (this.#paused) this.#backlog.push(() => this.#whenAwake(life, action));
    else action();
  }

  pause(): void {
    if (this.#up) this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const action of backlog) action();
  }

  crash(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#life += 1;
    this.#paused = false;
    this.#backlog = [];
    this.#waiting = [];
    this.#mutating = false;
    this.#kept = undefined;
    this.#highestSeen = 0;
    const runs = [...this.#runs];
    this.#runs.clear();
    for (const run of runs) run.gone();
  }

  restart(): void {
    if (this.#up) return;
    this.#up = true;
    if (this.#options.rules.countsIncarnations) this.#incarnation += 1;
  }
}

interface Answer {
  readonly reply: (reply: ReplicaReply) => void;
  readonly fail: () => void;
}

export interface SettleOptions {
  /** For what it is run; names it in the coverage. */
  readonly what: string;
  readonly deadlineMs: number;
  readonly orTombstone?: boolean;
}

function nothing(): void {}
