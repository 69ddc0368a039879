/**
 * One operation of the SDK: attempts at one coordinator after another until there is an answer that stands, or time has
 * run out. What an attempt's end means is the ledger's business, which node is asked is that of the routing; this is the
 * shell that performs both.
 *
 * One promise, no AbortController and no timer of its own: at tens of thousands of operations per second each counts.
 */
import { assert, type CancelSignal, type CancelTimer, QuorumError } from "@quorumfs/core";
import { ErrorCode, type ErrorDetail, type FileRequest, type FileResponse } from "@quorumfs/proto";
import { type CancelCall, errorFromDetail } from "@quorumfs/rpc";
import type { Follower } from "../follow/follower.js";
import { backoffMs, hintedMs } from "../retry/backoff.js";
import { Ledger, type NextStep } from "../retry/ledger.js";
import type { Target, Waiting } from "../routing/target.js";
import { SecondRead } from "./second-read.js";
import type { Surroundings } from "./surroundings.js";

export type Request = Exclude<NonNullable<FileRequest["operation"]>, { $case: "cancel" }>;
export type Answer = NonNullable<FileResponse["result"]>;

export interface OperationSpec<Result> {
  /** For messages and logs: `put`. */
  readonly verb: string;
  /** What it is about: `files/x`. */
  readonly name: string;
  readonly request: Request;
  /** Nodes that hold the file, preferred coordinator first; empty: any node. */
  readonly replicas: readonly number[];
  /** Of mutations; in hexadecimal. */
  readonly requestId?: string;
  /** Goes along and tells; default: nobody does. */
  readonly follower?: Follower | undefined;
  readonly timeoutMs: number;
  readonly signal?: CancelSignal | undefined;
  /** Called just before the first attempt. */
  readonly prepare?: () => void;
  /**
   * Called when a coordinator has answered `unavailable`, perhaps for want of something that the caller can put right.
   * Resolves with whether it has; then the deadline begins anew. If it throws, that is the operation's end.
   */
  readonly mend?: (() => Promise<boolean>) | undefined;
  /** @throws QuorumError `corrupt` if what was read is damaged */
  readonly read: (answer: Answer) => Result;
}

// The coordinator gives up a little before the client does: its word on what is missing is worth more than silence,
// and what it has given up cannot take effect behind the back of a retry.
const coordinatorsShare = 0.9;
// A target that hangs is noticed by its silence towards all; this is for a single request that is stuck in one that
// answers others.
const attemptPatience = 3;
// An answer that took this much of the time for the attempt shows that there was too little of it.
const nearlyTimedOut = 0.8;

// A retry beyond the budget pauses as if it had been tried so often before: 160 ms, then longer, up to a second.
const unaffordableRounds = 3;
// And one that is refused again beyond the budget doubles the pause that it was told, so often at most.
const doublingsMax = 3;
// Who waits for his turn for longer than this share of his time is better told at once, when he comes: what begins with
// hardly any time left is done for nothing, and with enough of it nothing else is done any more.
const waitingShare = 0.3;
// And who has waited begins only if this many times what an attempt takes is left: what is cut off halfway costs the cluster as
// much as what is done. No more than that: where answers take very different times, half of a chance is better used.
const marginFactor = 1.5;
// A short line passes, whatever was measured.
const lineMin = 256;

export class Operation<Result> implements Waiting {
  readonly kind: Waiting["kind"];
  readonly #spec: OperationSpec<Result>;
  readonly #surroundings: Surroundings;
  readonly #ledger: Ledger;
  /** By which the logs of DataNodes know what has no request id; empty for a mutation. */
  readonly #operationId: Uint8Array;
  #startedAtMs: number;
  #resolve: (result: Result) => void = ignore;
  #reject: (error: QuorumError) => void = ignore;
  #done = false;
  /** Which gates it has passed and has to leave. */
  #hasTurn = false;
  #entered = false;
  /** It has had to wait for its turn, and was not sent yet. */
  #queued = false;
  #inDoubt = false;
  /** Nodes that were tried in this round. */
  #tried: number[] = [];
  #round = 1;
  /** Refusals in sequence that were beyond the budget. */
  #refusals = 0;
  /** Attempts that took too long: each doubles the time for the next. */
  #slowAttempts = 0;
  #target: Target | undefined;
  askedAtMs = 0;
  #attemptMs = 0;
  #cancelCall: CancelCall | undefined;
  /** Another node that is asked the same, since the first is late. */
  #second: SecondRead | undefined;
  #cancelPause: CancelTimer | undefined;

  constructor(spec: OperationSpec<Result>, surroundings: Surroundings) {
    this.#spec = spec;
    this.#surroundings = surroundings;
    this.#startedAtMs = surroundings.clock.nowMs();
    this.kind = kindOf(spec.request);
    this.#operationId = this.kind === "write" ? noId : (spec.follower?.operationId ?? surroundings.ids.next());
    this.#ledger = new Ledger({
      title: titleOf(spec),
      kind: intentOf(spec.request),
      requestId: spec.requestId,
      operationId: this.#operationId,
      mayHaveRun: mutationOf(spec.request)?.mayHaveRun ?? false,
    });
  }

  run(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#start();
    });
  }

  #start(): void {
    const { signal, name } = this.#spec;
    const { turns, abortListeners } = this.#surroundings;
    if (signal?.aborted) return this.#onAbort();
    if (signal) abortListeners.add(signal, this.#onAbort);
    this.#pass((begin) => (this.kind === "write" ? turns.enter(name, begin) : begin()), this.#onTurn);
  }

  /** Goes through a gate, or waits before it, but not beyond the deadline. */
  #pass(enter: (begin: () => boolean) => boolean, begin: () => boolean): void {
    try {
      if (enter(begin) || this.#done || this.#cancelPause) return;
      this.#pause(this.#spec.timeoutMs, () => this.#outOfTime());
    } catch (thrown) {
      this.#refuse(QuorumError.from(thrown));
    }
  }

  readonly #onTurn = (): boolean => {
    if (this.#done) return false;
    const { gate, departures } = this.#surroundings;
    const waitMs = gate.waiting < lineMin ? 0 : departures.expectedWaitMs(gate.waiting);
    const excessMs = waitMs - this.#spec.timeoutMs * waitingShare;
    if (excessMs > 0) {
      this.#refuse(this.#ledger.tooLate(waitMs, excessMs));
      return false;
    }
    this.#hasTurn = this.kind === "write";
    this.#pass((begin) => gate.enter(begin), this.#begin);
    return true;
  };

  readonly #begin = (): boolean => {
    if (this.#done) return false;
    this.#entered = true;
    this.#queued = this.#cancelPause !== undefined;
    if (this.#queued) this.#tellWait();
    this.#endPause();
    const { budget, hedgeBudget } = this.#surroundings;
    budget.deposit();
    if (this.kind === "read") hedgeBudget.deposit();
    this.#spec.prepare?.();
    this.#attempt();
    return true;
  };

  readonly #onAbort = (): void => {
    const cause = this.#spec.signal?.reason;
    this.#giveUp(new QuorumError({ code: "cancelled", message: `${titleOf(this.#spec)} was cancelled`, cause }));
  };

  /** The client closes while this pauses. An attempt that is under way is ended by its lane. */
  close(): void {
    this.#giveUp(new QuorumError({ code: "cancelled", message: "the client was closed" }));
  }

  #giveUp(error: QuorumError): void {
    if (this.#cancelCall) {
      this.#cancelCall();
      this.#cancelCall = undefined;
      this.#target?.abandoned(this);
      this.#ledger.abandoned();
    }
    this.#fail(this.#ledger.cancelled(error));
  }

  #attempt(): void {
    const { clock } = this.#surroundings;
    const { request, timeoutMs, follower } = this.#spec;
    const nowMs = clock.nowMs();
    const remainingMs = this.#startedAtMs + timeoutMs - nowMs;
    if (remainingMs <= 0) return this.#outOfTime();
    const target = this.#pick(nowMs);
    if (!target) return this.#nextRound();
    const expectedMs = target.latency[this.kind].expectedMs(nowMs);
    if (this.#queued && remainingMs < marginFactor * expectedMs) return this.#tooLate(remainingMs);
    this.#target = target;
    this.askedAtMs = nowMs;
    const patienceMs = attemptPatience * target.latency[this.kind].patienceMs;
    this.#attemptMs = Math.min(remainingMs, patienceMs * 2 ** this.#slowAttempts);
    const mutation = mutationOf(request);
    if (mutation) mutation.mayHaveRun = this.#ledger.mayHaveRun;
    this.#queued = false;
    target.began(this, nowMs);
    follower?.attempt(target.id, nowMs, this.#spec.verb);
    this.#cancelCall = target.session.call(
      {
        id: 0,
        timeoutMs: Math.ceil(this.#attemptMs * coordinatorsShare),
        operation: request,
        operationId: this.#operationId,
        trace: follower?.tells ?? false,
        traceparent: follower?.traceparent ?? "",
      },
      { timeoutMs: this.#attemptMs },
      this.#onEnd,
    );
  }

  #tellWait(): void {
    const { clock } = this.#surroundings;
    this.#spec.follower?.waits(clock.nowMs() - this.#startedAtMs, "for its turn among this client's operations");
  }

  #tooLate(remainingMs: number): void {
    this.#fail(this.#ledger.tooLate(this.#spec.timeoutMs - remainingMs, remainingMs));
  }

  /** Asks a second node, and takes whichever answer comes first. */
  onLate(): void {
    const { clock, dataNodes, hedgeBudget, log } = this.#surroundings;
    const first = this.#target;
    if (this.#second || !this.#cancelCall || !first) return;
    const nowMs = clock.nowMs();
    const remainingMs = this.#startedAtMs + this.#spec.timeoutMs - nowMs;
    const target = dataNodes.pickSecondReader(this.#spec.replicas, this.#tried, nowMs, first);
    if (!target || remainingMs <= 0 || !hedgeBudget.withdraw(nowMs)) return;
    log.debug("operation.hedged", { operation: titleOf(this.#spec), node: first.id, second: target.id });
    this.#spec.follower?.hedged(target.id);
    this.#second = new SecondRead({
      target,
      request: this.#spec.request,
      operationId: this.#operationId,
      follower: this.#spec.follower,
      askedAtMs: nowMs,
      // If both questions are lost, a third one is asked while there is time.
      timeoutMs: Math.min(remainingMs, attemptPatience * target.latency[this.kind].patienceMs),
      coordinatorsShare,
      onEnd: (error, response) => this.#onSecond(error, response),
    });
  }

  #onSecond(error: QuorumError | undefined, response: FileResponse | undefined): void {
    const second = this.#second;
    assert(!this.#done && second !== undefined, "a second read ended that was not under way");
    const nowMs = this.#surroundings.clock.nowMs();
    const isFirstUnderWay = this.#cancelCall !== undefined;
    this.#second = undefined;
    if (error) {
      this.#spec.follower?.unanswered(second.target.id, second.askedAtMs, error);
      second.failed(error);
      if (isFirstUnderWay) return;
      this.#target = second.target;
      this.#follow(this.#ledger.unanswered(error, nowMs >= second.askedAtMs + second.timeoutMs), error);
      return;
    }
    this.#spec.follower?.answered(second.target.id, second.askedAtMs, response?.trace);
    this.#hear({ target: second.target, waiting: second, answer: response?.result });
    if (isFirstUnderWay && !settles(response?.result)) return;
    if (isFirstUnderWay) {
      this.#cancelCall?.();
      this.#cancelCall = undefined;
      this.#target?.outrun(this, nowMs);
    }
    this.#target = second.target;
    this.#onAnswer(response?.result);
  }

  #pick(nowMs: number): Target | undefined {
    const { dataNodes, turns } = this.#surroundings;
    const { replicas, name } = this.#spec;
    if (this.kind !== "write") return dataNodes.pickReader(replicas, this.#tried, nowMs);
    const present = turns.coordinatorOf(name);
    const shared = present !== undefined && turns.isShared(name) ? dataNodes.target(present) : undefined;
    if (shared?.tier === 0 && !this.#tried.includes(shared.id)) {
      if (shared.isSlow(nowMs)) turns.leaveCoordinator(name);
      return shared;
    }
    const target = dataNodes.pickWriter(replicas, this.#tried, nowMs, present);
    if (target) turns.setCoordinator(name, target.id);
    return target;
  }

  readonly #onEnd = (error: QuorumError | undefined, response: FileResponse | undefined): void => {
    const target = this.#target;
    assert(!this.#done && target !== undefined, "an attempt ended that was not under way");
    const nowMs = this.#surroundings.clock.nowMs();
    const elapsedMs = nowMs - this.askedAtMs;
    this.#cancelCall = undefined;
    if (elapsedMs >= this.#attemptMs * nearlyTimedOut) this.#slowAttempts += 1;
    if (error) return this.#turnAway(target, error, elapsedMs >= this.#attemptMs);
    this.#spec.follower?.answered(target.id, this.askedAtMs, response?.trace);
    this.#hear({ target, waiting: this, answer: response?.result });
    this.#onAnswer(response?.result);
  };

  /** Each attempt of an operation is more patient than the one before, or a cluster that is slow as a whole would never be waited for. */
  onSilence(silentMs: number, usualMs: number): void {
    if (silentMs < usualMs * 2 ** this.#slowAttempts) return;
    const target = this.#target;
    assert(
      this.#cancelCall !== undefined && target !== undefined,
      "an operation waits for a target that it did not ask",
    );
    // What waits for a connection was not sent.
    const mayHaveRun = target.session.up;
    this.#cancelCall();
    this.#cancelCall = undefined;
    this.#slowAttempts += 1;
    const message = `DataNode ${target.id} at ${target.address} has not answered for ${Math.round(silentMs)} ms`;
    this.#turnAway(target, new QuorumError({ code: "unavailable", message, details: { mayHaveRun } }), true);
  }

  #turnAway(target: Target, reason: QuorumError, timedOut: boolean): void {
    // `cancelled`: our own client was closed, or this node is no member any more. `resource_exhausted`: our own queue was full.
    const hasLeft = reason.code === "cancelled" && !this.#surroundings.dataNodes.closed;
    const error = hasLeft ? withCode(reason, "unavailable") : reason;
    this.#spec.follower?.unanswered(target.id, this.askedAtMs, error);
    if (error.code === "unavailable") target.failed(this);
    else target.abandoned(this);
    if (timedOut) target.latency[this.kind].missed(this.#surroundings.clock.nowMs() - this.askedAtMs);
    const step = this.#ledger.unanswered(error, timedOut);
    if (error.code === "cancelled") this.#fail(this.#ledger.cancelled(error));
    else this.#follow(step, error);
  }

  #onAnswer(answer: Answer | undefined): void {
    const outcome = this.#understand(answer);
    if (outcome instanceof QuorumError && this.#learnsVersion(outcome)) return this.#attempt();
    if (outcome instanceof QuorumError && this.#canBeMended(outcome)) return this.#mend(outcome);
    if (!(outcome instanceof QuorumError)) return this.#succeed(outcome.result);
    this.#follow(this.#ledger.answered(outcome), outcome);
  }

  /** How quickly a node refuses says nothing about how quickly it does what it is asked. */
  #hear(options: { readonly target: Target; readonly waiting: Waiting; readonly answer: Answer | undefined }): void {
    const { clock, gate } = this.#surroundings;
    const { target, waiting, answer } = options;
    const nowMs = clock.nowMs();
    if (answer?.$case !== "error" || !isRefusal(answer.value)) return target.answered(waiting, nowMs);
    target.refused(waiting, nowMs);
    gate.narrow(nowMs);
  }

  /**
   * The file has changed so often since the version that we knew that nobody could tell a late attempt of ours from a
   * first one. As long as there has been no attempt with an effect, a newer version does as well.
   */
  #learnsVersion({ code, details }: QuorumError): boolean {
    const mutation = mutationOf(this.#spec.request);
    if (!mutation || code !== "unavailable" || details.currentVersion === undefined) return false;
    if (this.#ledger.mayHaveRun || details.currentVersion <= mutation.seenVersion) return false;
    mutation.seenVersion = details.currentVersion;
    return true;
  }

  /** Whoever says when to come back does not lack anything. */
  #canBeMended({ code, details }: QuorumError): boolean {
    return this.#spec.mend !== undefined && code === "unavailable" && details.retryAfterMs === undefined;
  }

  #mend(error: QuorumError): void {
    const { clock, pausing } = this.#surroundings;
    const step = this.#ledger.answered(error);
    pausing.add(this);
    const mended = (hasHelped: boolean): void => {
      if (this.#done) return;
      pausing.delete(this);
      if (hasHelped) this.#startedAtMs = clock.nowMs();
      this.#follow(step, error);
    };
    const failed = (thrown: unknown): void => this.#fail(this.#ledger.cancelled(QuorumError.from(thrown)));
    this.#spec.mend?.().then(mended, failed);
  }

  #understand(answer: Answer | undefined): { readonly result: Result } | QuorumError {
    if (answer?.$case === "error") return errorFromDetail(answer.value);
    try {
      if (answer) return { result: this.#spec.read(answer) };
      return new QuorumError({
        code: "internal",
        message: "the DataNode's answer is of no kind that this client knows",
      });
    } catch (thrown) {
      return QuorumError.from(thrown);
    }
  }

  #follow(step: NextStep, error: QuorumError): void {
    const { log, random, budget, clock } = this.#surroundings;
    if (step.next === "finish") return this.#fail(this.#ledger.verdict());
    if (this.#hasTurn && !this.#inDoubt && this.#ledger.mayHaveRun) {
      this.#inDoubt = true;
      this.#surroundings.turns.inDoubt(this.#spec.name);
    }
    if (this.#target && step.next !== "again") this.#tried.push(this.#target.id);
    // Somebody else is at it already.
    if (this.#second) return;
    log.debug("operation.retried", {
      operation: titleOf(this.#spec),
      requestId: this.#spec.requestId,
      node: this.#target?.id,
      code: error.code,
      error: error.message,
      elapsedMs: clock.nowMs() - this.askedAtMs,
      retryAfterMs: error.details.retryAfterMs,
    });
    const isRefused = step.next === "again" && step.charged;
    const isAffordable = !step.charged || budget.withdraw(clock.nowMs());
    let pauseMs = 0;
    if (isRefused) {
      this.#refusals = isAffordable ? 0 : Math.min(this.#refusals + 1, doublingsMax);
      // The node knows best when there will be room. What the budget does not cover gets out of the others' way for longer.
      const hintMs = error.details.retryAfterMs ?? backoffMs(1, random);
      if (!this.#canTurn(error) || !isAffordable) pauseMs = hintedMs(hintMs * 2 ** this.#refusals, random);
    } else if (step.next !== "elsewhere" || !isAffordable) {
      const round = isAffordable ? this.#round : this.#round + unaffordableRounds;
      pauseMs = Math.max(hintedMs(error.details.retryAfterMs ?? 0, random), backoffMs(round, random));
      this.#round += 1;
    }
    // Who cannot come back in time need not wait for that.
    if (isRefused && clock.nowMs() + pauseMs >= this.#startedAtMs + this.#spec.timeoutMs) this.#outOfTime();
    else this.#attemptAfter(pauseMs);
  }

  /** Whether another node has room, where this one is at its limit. */
  #canTurn({ details }: QuorumError): boolean {
    if (details.retryAfterMs === undefined) return false;
    const { clock, dataNodes } = this.#surroundings;
    return dataNodes.hasRoom(this.#spec.replicas, this.#tried, clock.nowMs());
  }

  /** Every node has been tried. */
  #nextRound(): void {
    if (this.#tried.length === 0) {
      this.#fail(new QuorumError({ code: "unavailable", message: "the cluster has no DataNodes; start some" }));
      return;
    }
    this.#tried = [];
    this.#attemptAfter(backoffMs(this.#round, this.#surroundings.random));
    this.#round += 1;
  }

  #attemptAfter(pauseMs: number): void {
    if (pauseMs === 0) return this.#attempt();
    this.#spec.follower?.waits(pauseMs, "before the next attempt");
    this.#pause(pauseMs, () => this.#attempt());
  }

  /** Goes on after a while, but not beyond the deadline. */
  #pause(pauseMs: number, then: () => void): void {
    const { clock, pausing } = this.#surroundings;
    const remainingMs = this.#startedAtMs + this.#spec.timeoutMs - clock.nowMs();
    pausing.add(this);
    this.#cancelPause = clock.after(Math.min(pauseMs, Math.max(0, remainingMs)), () => {
      this.#endPause();
      if (pauseMs >= remainingMs) this.#outOfTime();
      else then();
    });
  }

  #endPause(): void {
    if (!this.#cancelPause) return;
    this.#cancelPause();
    this.#cancelPause = undefined;
    this.#surroundings.pausing.delete(this);
  }

  #outOfTime(): void {
    this.#fail(this.#ledger.outOfTime(this.#surroundings.clock.nowMs() - this.#startedAtMs));
  }

  #succeed(result: Result): void {
    this.#surroundings.gate.widen();
    if (this.#finish()) this.#resolve(result);
  }

  #fail(error: QuorumError): void {
    if (this.#finish()) this.#reject(error);
  }

  /**
   * Nothing was begun, so it is told at the end of the turn: a program that asks again as soon as it hears of it would else never
   * give its process the chance to hear of anything else.
   */
  #refuse(error: QuorumError): void {
    if (this.#finish()) this.#surroundings.clock.endOfTurn(() => this.#reject(error));
  }

  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#second?.cancel();
    if (this.#spec.mend) this.#surroundings.pausing.delete(this);
    if (this.#spec.signal) this.#surroundings.abortListeners.remove(this.#spec.signal, this.#onAbort);
    this.#endPause();
    if (this.#entered) {
      const { gate, departures, clock } = this.#surroundings;
      if (gate.waiting > 0) departures.note(clock.nowMs());
      gate.leave();
    }
    if (this.#inDoubt) this.#surroundings.turns.settled(this.#spec.name);
    if (this.#hasTurn) this.#surroundings.turns.leave(this.#spec.name);
    return true;
  }
}

/** No other node would say anything else. */
function settles(answer: Answer | undefined): boolean {
  if (answer?.$case !== "error") return answer !== undefined;
  const { code } = errorFromDetail(answer.value);
  return code === "not_found" || code === "invalid_argument" || code === "permission_denied";
}

/** A node that has too much to do, or a file that too many write to. */
function isRefusal({ code, retryAfterMs }: ErrorDetail): boolean {
  return code === ErrorCode.ERROR_CODE_RESOURCE_EXHAUSTED && retryAfterMs > 0;
}

function titleOf(spec: { readonly verb: string; readonly name: string }): string {
  return `${spec.verb} ${spec.name}`;
}

function intentOf(request: Request): "read" | "put" | "delete" {
  return request.$case === "put" || request.$case === "delete" ? request.$case : "read";
}

function kindOf(request: Request): Waiting["kind"] {
  switch (request.$case) {
    case "put":
    case "delete":
      return "write";
    case "get":
    case "stat":
      return "read";
    case "list":
      return "list";
  }
}

function mutationOf(request: Request): { mayHaveRun: boolean; seenVersion: number } | undefined {
  return request.$case === "put" || request.$case === "delete" ? request.value.mutation : undefined;
}

const noId = new Uint8Array(0);

function ignore(): void {
  // Replaced before it can be called.
}

function withCode(error: QuorumError, code: QuorumError["code"]): QuorumError {
  return new QuorumError({ code, message: error.message, details: error.details, cause: error });
}
