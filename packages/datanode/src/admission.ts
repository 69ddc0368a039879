import { type Clock, QuorumError } from "@quorumfs/core";
import { LatencyLimit } from "./admission/latency-limit.js";
import { RetryHint } from "./admission/retry-hint.js";

export interface AdmissionLimits {
  /** Operations under way or waiting, at most, however quick they are. */
  readonly operationsMax: number;
  /** Bytes of content that these operations hold, at most. */
  readonly contentBytesMax: number;
}

/** What costs about the same. A slow disk slows down writes, and is no reason to refuse reads. */
export type OperationKind = "read" | "write" | "list";

/** One connection, or all callers without one. */
export class Caller {
  /** Operations of this caller that were let in and have not left. */
  readonly inFlight: Record<OperationKind, number> = { read: 0, write: 0, list: 0 };
}

/** An operation on its way through. */
export interface Visit {
  readonly kind: OperationKind;
  readonly contentBytes: number;
  readonly caller: Caller;
  /** By the clock. */
  readonly atMs: number;
  /** Set by the door: hardly anybody was there when it came. */
  alone?: boolean;
}

interface Class {
  readonly limit: LatencyLimit;
  inFlight: number;
  /** Callers that have some of them. */
  callers: number;
  /** Since the start. */
  refused: number;
}

// Four times what an operation takes on a loaded machine, and as long as nobody notices. A few dozen are needed to fill frames
// and commits. Pages of listings take longer, and cost a thousand times as much.
const fileTargetMs = 25;
const listTargetMs = 250;
// With so few under way nobody waits for the others.
const aloneMax = 4;

/**
 * The door: what would make this node grow or slow is refused at once, so that the client goes elsewhere or waits outside,
 * and what was let in is served within its deadline. Votes of other nodes do not come this way: what those have let in is finished.
 *
 * At the limit, callers with less than their share of it are still let in, and those with more are refused: up to
 * twice the limit for a moment, until the shares are even.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #classes: Readonly<Record<OperationKind, Class>>;
  readonly #hint = new RetryHint();
  #operations = 0;
  #contentBytes = 0;
  #finished = 0;
  /** One error for all who are refused for the same reason: they are many, and must cost little. */
  #refusal: QuorumError | undefined;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    const max = limits.operationsMax;
    const classOf = (targetMs: number, startsAt: number, min: number): Class => ({
      limit: new LatencyLimit({ targetMs, startsAt: Math.min(startsAt, max), min: Math.min(min, max), max }),
      inFlight: 0,
      callers: 0,
      refused: 0,
    });
    this.#classes = {
      read: classOf(fileTargetMs, 512, 16),
      write: classOf(fileTargetMs, 256, 16),
      // Lists that wait for a node which is cut off cost nothing but time: they must not keep all others out.
      list: classOf(listTargetMs, 32, 16),
    };
  }

  /** Operations that were let in and have not left. */
  get inFlight(): number {
    return this.#operations;
  }

  /** Operations that have left since the start. */
  get finished(): number {
    return this.#finished;
  }

  /** How many of a kind may be under way at the moment. */
  limitOf(kind: OperationKind): number {
    return this.#classes[kind].limit.limit;
  }

  /** How many of a kind are under way. */
  inFlightOf(kind: OperationKind): number {
    return this.#classes[kind].inFlight;
  }

  /** How many of a kind were refused since the start. */
  refusedOf(kind: OperationKind): number {
    return this.#classes[kind].refused;
  }

  /** Bytes of content that the operations under way hold. */
  get contentBytes(): number {
    return this.#contentBytes;
  }

  /**
   * Lets an operation in; whoever enters leaves, once.
   *
   * @returns why not, if it has to stay outside
   */
  enter(visit: Visit): QuorumError | undefined {
    const { kind, contentBytes, caller, atMs } = visit;
    const { operationsMax, contentBytesMax } = this.#limits;
    const own = this.#classes[kind];
    own.limit.entered(own.inFlight + 1, atMs);
    if (this.#operations >= operationsMax || (own.inFlight >= own.limit.limit && hasItsShare(own, caller, kind))) {
      own.refused += 1;
      return this.#refuse(`${own.inFlight} ${kind} operations are under way`, atMs);
    }
    // One operation is let in whatever it carries, or a low limit would shut the door for good.
    if (this.#operations > 0 && this.#contentBytes + contentBytes > contentBytesMax) {
      own.refused += 1;
      return this.#refuse(`operations under way hold ${this.#contentBytes} bytes of content`, atMs);
    }
    visit.alone = this.#operations < aloneMax;
    if (caller.inFlight[kind] === 0) own.callers += 1;
    caller.inFlight[kind] += 1;
    own.inFlight += 1;
    this.#operations += 1;
    this.#contentBytes += contentBytes;
    return undefined;
  }

  /** @returns how long it took, in ms */
  leave({ kind, contentBytes, caller, atMs, alone = false }: Visit): number {
    const own = this.#classes[kind];
    caller.inFlight[kind] -= 1;
    if (caller.inFlight[kind] === 0) own.callers -= 1;
    own.inFlight -= 1;
    this.#operations -= 1;
    this.#contentBytes -= contentBytes;
    this.#finished += 1;
    this.#hint.served();
    const nowMs = this.#clock.nowMs();
    const tookMs = nowMs - atMs;
    own.limit.left({ tookMs, alone: alone && this.#operations < aloneMax, nowMs });
    return tookMs;
  }

  #refuse(reason: string, nowMs: number): QuorumError {
    this.#hint.refused(nowMs);
    const retryAfterMs = this.#hint.ms;
    if (this.#refusal?.details.retryAfterMs !== retryAfterMs) {
      this.#refusal = new QuorumError({
        code: "resource_exhausted",
        message: `this DataNode is at its limit (${reason}); try again after ${retryAfterMs} ms, or at another node`,
        details: { retryAfterMs, mayHaveRun: false },
      });
    }
    return this.#refusal;
  }
}

function hasItsShare(own: Class, caller: Caller, kind: OperationKind): boolean {
  const callers = caller.inFlight[kind] === 0 ? own.callers + 1 : own.callers;
  return caller.inFlight[kind] >= own.limit.limit / callers;
}
