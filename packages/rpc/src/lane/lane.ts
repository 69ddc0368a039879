import { type CancelTimer, type Clock, type Duplex, QuorumError, type Random } from "@quorumfs/core";
import { BackOff } from "./back-off.js";
import { type CallDone, CallTable } from "./call-table.js";

export type { CallDone } from "./call-table.js";

/** Gives a call up: `done` is not called any more. Calling it again, or after `done`, does nothing. */
export type CancelCall = () => void;

/** What travels on a lane: the lane sets `id`, and the peer's reply carries the same. 0: no reply is wanted. */
export interface LaneMessage {
  id: number;
}

export interface LaneOptions<Request extends LaneMessage, Response extends LaneMessage, RequestFrame, ResponseFrame> {
  /** Who is at the other end, for error messages: `DataNode 2 at 127.0.0.1:7002`. */
  readonly peer: string;
  /** Opens a new stream to the peer: `() => channel.duplex(ReplicaServiceService.exchange, {})`. */
  readonly open: () => Duplex<RequestFrame, ResponseFrame>;
  /** Makes a frame of requests: `(requests) => ({ requests })`. */
  readonly pack: (requests: Request[]) => RequestFrame;
  readonly unpack: (frame: ResponseFrame) => readonly Response[];
  /** About how many bytes the request takes in a frame; need not be exact. */
  readonly bytesOf: (request: Request) => number;
  /** The message that gives up the request with this id, if the protocol has one; it is posted when a sent call is cancelled or its time is up. */
  readonly cancelRequest?: (id: number) => Request;
  readonly clock: Clock;
  readonly random: Random;
  /** Calls that were sent and not yet answered; more wait in the queue. Default {@link inFlightMaxDefault}. */
  readonly inFlightMax?: number;
  /** Calls and posts that wait to be sent; more are refused. Default {@link queuedMaxDefault}. */
  readonly queuedMax?: number;
  /** A frame is closed when it has this many bytes; a single larger request travels alone. Default {@link batchBytesMaxDefault}. */
  readonly batchBytesMax?: number;
  /** Told when the peer has answered on a new stream (true), and when that stream is lost (false). */
  readonly onChange?: (up: boolean) => void;
  /** Told of each frame that leaves, with how many requests it carries. */
  readonly onFrame?: (requests: number) => void;
}

// Enough for 60,000 operations/s at a round trip of 17 ms, and few enough that a peer that stalls holds little of ours.
export const inFlightMaxDefault = 1024;
export const queuedMaxDefault = 4096;
// Far below the receive limit of 4 MiB, so that an inexact `bytesOf` does no harm. Larger frames save nothing more, and
// the peer can begin only when it has the whole of one.
export const batchBytesMaxDefault = 256 * 1024;
// A peer that has not answered a new stream's first, empty frame by then is not there.
const openTimeoutMs = 3000;
// A peer that owes replies and says nothing is asked whether it is there, since it may only be slow; one that does not
// answer that either is stopped, or cut off without a word. Three seconds is what the cluster takes to find a node down.
const silenceAskedMs = 1000;
const silenceMaxMs = 3000;
// Deadlines are watched by one timer for all calls, which fires no more often than this.
const sweepMinMs = 5;

/**
 * Many small calls to one peer over one duplex stream.
 *
 * A gRPC frame costs some 30 microseconds of CPU on each side, an operation in it one or two. So requests are collected while the
 * turn of the event loop lasts, and for as long as earlier frames have not left, and go out as one frame; replies come
 * in any order and are matched by id. No promise, timer or closure chain per call: callbacks, and one sweep for all deadlines.
 *
 * A stream counts as up once the peer has answered an empty frame on it. Before the first time, calls wait for that;
 * after a stream was lost, calls fail at once until a new one is up, so that an operation can turn to other peers.
 * Attempts to get there go on by themselves, with capped and jittered back-off. Therefore what a broken stream means
 * for a call is always known: `details.mayHaveRun` is false if its request never left, true if it did.
 */
export class Lane<Request extends LaneMessage, Response extends LaneMessage, RequestFrame, ResponseFrame> {
  readonly #options: LaneOptions<Request, Response, RequestFrame, ResponseFrame>;
  readonly #inFlightMax: number;
  readonly #queuedMax: number;
  readonly #batchBytesMax: number;
  readonly #backOff: BackOff;
  readonly #calls = new CallTable<Response>();
  /** Requests that wait to be sent, from `#head` on; those whose call is over are skipped when their turn comes. */
  #queue: Request[] = [];
  #head = 0;
  #state: "idle" | "connecting" | "up" | "down" | "closed" = "idle";
  #stream: Duplex<RequestFrame, ResponseFrame> | undefined;
  /** The stream asked us to hold back. */
  #held = false;
  #flushing = false;
  #cancelRetry: CancelTimer | undefined;
  #retryAtMs = 0;
  #cancelSweep: CancelTimer | undefined;
  #sweepAtMs = Infinity;
  /** Runs while the peer owes a word. */
  #cancelWatch: CancelTimer | undefined;
  /** When the peer last spoke, or was last sent a call without owing a word already; undefined if it owes none. */
  #owesSinceMs: number | undefined;
  readonly #flush = (): void => {
    this.#flushing = false;
    this.#send();
  };

  constructor(options: LaneOptions<Request, Response, RequestFrame, ResponseFrame>) {
    this.#options = options;
    this.#inFlightMax = options.inFlightMax ?? inFlightMaxDefault;
    this.#queuedMax = options.queuedMax ?? queuedMaxDefault;
    this.#batchBytesMax = options.batchBytesMax ?? batchBytesMaxDefault;
    this.#backOff = new BackOff(options.random);
  }

  /** Whether the peer has answered on the present stream. */
  get up(): boolean {
    return this.#state === "up";
  }

  /** Calls that wait for their end, sent or not. */
  get pending(): number {
    return this.#calls.size;
  }

  /** Calls that were sent and wait for their reply. */
  get inFlight(): number {
    return this.#calls.sentCount;
  }

  /** Calls and posts that wait to be sent. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /**
   * Sends a request (its `id` is set here) and calls `done` once, never before `call` has returned.
   *
   * Errors of the lane's own making: `unavailable` (peer not reachable, stream lost, no reply within `timeoutMs`),
   * with `details.mayHaveRun`; `resource_exhausted` when `queuedMax` others wait already; `cancelled` after `close`.
   * What the peer answers, errors included, is a response.
   */
  call(request: Request, options: { readonly timeoutMs: number }, done: CallDone<Response>): CancelCall {
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#refuse(refusal, done);
    const deadlineMs = this.#options.clock.nowMs() + options.timeoutMs;
    const id = this.#calls.add(deadlineMs, done);
    request.id = id;
    if (deadlineMs < this.#sweepAtMs) this.#sweepAt(deadlineMs);
    this.#enqueue(request);
    return () => this.#cancel(id);
  }

  /**
   * Sends a message that gets no reply, in order with the calls. False if it was dropped because the peer is
   * not reachable or too much waits already; true promises nothing more than that it was queued.
   */
  post(request: Request): boolean {
    if (this.#refusal() !== undefined) return false;
    request.id = 0;
    this.#enqueue(request);
    return true;
  }

  /** Connects now rather than with the first call. */
  open(): void {
    if (this.#state === "idle") this.#connect("connecting");
  }

  /** Gives up the stream and all calls (`cancelled`). Idempotent. */
  close(): void {
    if (this.#state === "closed") return;
    const stream = this.#stream;
    const wasUp = this.#state === "up";
    this.#state = "closed";
    this.#stream = undefined;
    this.#cancelRetry?.();
    this.#cancelSweep?.();
    this.#stopWatch();
    stream?.cancel();
    if (wasUp) this.#options.onChange?.(false);
    this.#failAll("cancelled", `the lane to ${this.#options.peer} was closed`);
  }

  #refusal(): QuorumError | undefined {
    const { peer, clock } = this.#options;
    switch (this.#state) {
      case "closed":
        return refusal("cancelled", `the lane to ${peer} was closed`);
      case "down": {
        const retryAfterMs = Math.max(1, Math.ceil(this.#retryAtMs - clock.nowMs()));
        return refusal("unavailable", `${peer} cannot be reached`, retryAfterMs);
      }
      case "idle":
      case "connecting":
      case "up":
        if (this.queued < this.#queuedMax) return undefined;
        return refusal("resource_exhausted", `${this.#queuedMax} requests to ${peer} wait already`, backOffHintMs);
    }
  }

  #refuse(error: QuorumError, done: CallDone<Response>): CancelCall {
    let cancelled = false;
    this.#options.clock.endOfTurn(() => {
      if (!cancelled) done(error, undefined);
    });
    return () => {
      cancelled = true;
    };
  }

  #enqueue(request: Request): void {
    this.#queue.push(request);
    if (this.#state === "idle") this.#connect("connecting");
    else this.#flushLater();
  }

  #flushLater(): void {
    if (this.#flushing || this.#held || this.#state !== "up") return;
    this.#flushing = true;
    this.#options.clock.endOfTurn(this.#flush);
  }

  #send(): void {
    while (!this.#held && this.#state === "up" && this.#stream !== undefined) {
      const batch = this.#nextBatch();
      if (batch.length === 0) break;
      this.#options.onFrame?.(batch.length);
      this.#held = !this.#stream.write(this.#options.pack(batch));
    }
    if (this.#owesSinceMs === undefined && this.#calls.sentCount > 0) this.#watchSilence();
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > this.#queuedMax) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  #nextBatch(): Request[] {
    const batch: Request[] = [];
    let bytes = 0;
    for (; this.#head < this.#queue.length; this.#head += 1) {
      const request = this.#queue[this.#head];
      if (request === undefined || (request.id !== 0 && !this.#calls.has(request.id))) continue;
      if (request.id !== 0 && this.#calls.sentCount >= this.#inFlightMax) break;
      const requestBytes = this.#options.bytesOf(request);
      if (batch.length > 0 && bytes + requestBytes > this.#batchBytesMax) break;
      if (request.id !== 0) this.#calls.markSent(request.id);
      batch.push(request);
      bytes += requestBytes;
    }
    return batch;
  }

  #cancel(id: number): void {
    const { cancelRequest } = this.#options;
    const sent = this.#calls.isSent(id);
    if (this.#calls.take(id) === undefined) return;
    if (sent && cancelRequest) this.post(cancelRequest(id));
    this.#flushLater();
  }

  #connect(state: "connecting" | "down"): void {
    const { open, pack, clock } = this.#options;
    this.#state = state;
    const stream = open();
    this.#stream = stream;
    this.#held = false;
    const isCurrent = (): boolean => this.#stream === stream;
    stream.onMessage((frame) => {
      if (isCurrent()) this.#receive(frame);
    });
    stream.onDrain(() => {
      if (!isCurrent()) return;
      this.#held = false;
      this.#flushLater();
    });
    stream.onEnd((error) => {
      if (isCurrent()) this.#lost(error);
    });
    stream.write(pack([]));
    this.#cancelRetry = clock.after(openTimeoutMs, () => {
      if (isCurrent() && this.#state !== "up") this.#giveUp(`no answer within ${openTimeoutMs} ms`);
    });
  }

  #receive(frame: ResponseFrame): void {
    if (this.#state !== "up") this.#becomeUp();
    for (const response of this.#options.unpack(frame)) this.#calls.take(response.id)?.(undefined, response);
    this.#owesSinceMs = this.#calls.sentCount === 0 ? undefined : this.#options.clock.nowMs();
    if (this.#head < this.#queue.length) this.#flushLater();
  }

  #becomeUp(): void {
    this.#state = "up";
    this.#cancelRetry?.();
    this.#backOff.reset();
    this.#options.onChange?.(true);
  }

  #watchSilence(): void {
    const { clock, pack } = this.#options;
    this.#owesSinceMs = clock.nowMs();
    // Calls may end by their deadlines meanwhile; the peer owes a word all the same.
    const look = (): void => {
      this.#cancelWatch = undefined;
      if (this.#owesSinceMs === undefined) return;
      const silentMs = clock.nowMs() - this.#owesSinceMs;
      if (silentMs >= silenceMaxMs) return this.#giveUp(`it said nothing for ${silenceMaxMs} ms`);
      if (silentMs >= silenceAskedMs) this.#stream?.write(pack([]));
      this.#cancelWatch = clock.after(silenceAskedMs, look);
    };
    this.#cancelWatch ??= clock.after(silenceAskedMs, look);
  }

  #stopWatch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
    this.#owesSinceMs = undefined;
  }

  /** Leaves a stream that leads nowhere. */
  #giveUp(reason: string): void {
    const stream = this.#stream;
    this.#lost(new Error(reason));
    stream?.cancel();
  }

  #lost(cause: Error | undefined): void {
    const { peer, clock, onChange } = this.#options;
    const wasUp = this.#state === "up";
    this.#state = "down";
    this.#stream = undefined;
    this.#cancelRetry?.();
    this.#stopWatch();
    const delayMs = this.#backOff.nextMs();
    this.#retryAtMs = clock.nowMs() + delayMs;
    this.#cancelRetry = clock.after(delayMs, () => this.#connect("down"));
    if (wasUp) onChange?.(false);
    const reason = cause === undefined ? "it ended the stream" : cause.message;
    this.#failAll("unavailable", `${peer} ${wasUp ? "was lost" : "cannot be reached"}: ${reason}`, cause);
  }

  #failAll(code: "unavailable" | "cancelled", message: string, cause?: Error): void {
    const [sent, unsent] = [true, false].map(
      (mayHaveRun) => new QuorumError({ code, message, details: { mayHaveRun }, cause }),
    );
    this.#queue = [];
    this.#head = 0;
    for (const id of this.#calls.allIds()) {
      const error = this.#calls.isSent(id) ? sent : unsent;
      this.#calls.take(id)?.(error, undefined);
    }
  }

  #sweepAt(atMs: number): void {
    const { clock } = this.#options;
    this.#cancelSweep?.();
    const nowMs = clock.nowMs();
    this.#sweepAtMs = Math.max(atMs, nowMs + sweepMinMs);
    this.#cancelSweep = clock.after(this.#sweepAtMs - nowMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#sweepAtMs = Infinity;
    const { ids, nextMs } = this.#calls.expired(this.#options.clock.nowMs());
    if (nextMs !== Infinity) this.#sweepAt(nextMs);
    for (const id of ids) this.#expire(id);
    this.#flushLater();
  }

  #expire(id: number): void {
    const { peer, cancelRequest } = this.#options;
    const mayHaveRun = this.#calls.isSent(id);
    // A peer that was only paused shall not go on with what nobody waits for.
    if (mayHaveRun && cancelRequest) this.post(cancelRequest(id));
    const message = mayHaveRun ? `${peer} did not answer in time` : `${peer} could not be asked in time`;
    this.#calls.take(id)?.(new QuorumError({ code: "unavailable", message, details: { mayHaveRun } }), undefined);
  }
}

// What waits in a full queue has gone after about a turn or two of the peer.
const backOffHintMs = 50;

function refusal(
  code: "cancelled" | "unavailable" | "resource_exhausted",
  message: string,
  retryAfterMs?: number,
): QuorumError {
  const details = retryAfterMs === undefined ? { mayHaveRun: false } : { mayHaveRun: false, retryAfterMs };
  return new QuorumError({ code, message, details });
}
