import { type CancelSignal, type CancelTimer, type Clock, type Duplex, type Log, QuorumError } from "@quorumfs/core";
import { CancelSource } from "./cancel-source.js";
import { CancelTable } from "./cancel-table.js";
import { batchBytesMaxDefault, inFlightMaxDefault, type LaneMessage } from "./lane.js";

/** The peer of a served lane, as a request's handler sees it. */
export interface LaneCaller {
  /** Aborted when the peer has gone. */
  readonly gone: CancelSignal;
  /** Aborted when the peer has cancelled this request or has gone. Made when first asked for; only while the request runs. */
  signalOf(request: LaneMessage): CancelSignal;
}

export interface ServeLaneOptions<
  Request extends LaneMessage,
  Response extends LaneMessage,
  RequestFrame,
  ResponseFrame,
> {
  readonly unpack: (frame: RequestFrame) => readonly Request[];
  /** Makes a frame of responses: `(responses) => ({ responses })`. */
  readonly pack: (responses: Response[]) => ResponseFrame;
  /** About how many bytes the response takes in a frame; need not be exact. */
  readonly bytesOf: (response: Response) => number;
  /**
   * Handles one request. For every request with an id other than 0 it calls `reply` exactly once, now or later and in
   * any order, with a response that carries the request's id; also when the request was cancelled. `reply` is the
   * same function for all requests of a lane, and ignores what comes after the peer has gone.
   */
  readonly dispatch: (request: Request, reply: (response: Response) => void, caller: LaneCaller) => void;
  /** The response that says that the request failed, for handlers that throw. */
  readonly refuse: (request: Request, error: QuorumError) => Response;
  /** The id that a request cancels, if it is one that cancels; it is then not dispatched. */
  readonly cancelledId?: (request: Request) => number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Requests under way or with replies that have not left; at that the lane stops reading. Default {@link inFlightMaxDefault}. */
  readonly inFlightMax?: number;
  /** A frame of replies is closed when it has this many bytes. Default {@link batchBytesMaxDefault}. */
  readonly batchBytesMax?: number;
  /** A peer that reads nothing for so long while replies wait is cut off. Default {@link stallTimeoutMsDefault}. */
  readonly stallTimeoutMs?: number;
  /** Told of each frame that leaves, with how many responses it carries. */
  readonly onFrame?: (responses: number) => void;
}

/** The server's end of a lane. */
export interface ServedLane {
  /** Takes no more requests; resolves when those under way were answered and the stream has ended. Idempotent. */
  drain(): Promise<void>;
}

// Longer than any pause of a healthy peer (collections, a laptop's hiccup), and short enough that what waits for it,
// at most inFlightMax replies, does not stay in memory for good.
export const stallTimeoutMsDefault = 15_000;

// A lane of ours sends no more at once than its queue holds. Who sends a hundred thousand in one message would have us do
// nothing else for a second.
const requestsPerFrameMax = 16_384;
// More is not read while so much waits for a peer that reads slowly, or a thousand of the largest would wait for it.
const replyBytesMax = 8 * 1024 * 1024;

/**
 * Serves the requests of a `Lane`. Replies of one turn of the event loop leave in one frame, and so do those
 * that come together while the peer is slow to read. A peer that never reads is held back: when the
 * stream takes no more or `inFlightMax` requests are under way, reading stops, and with it, by flow control, the peer.
 */
export function serveLane<Request extends LaneMessage, Response extends LaneMessage, RequestFrame, ResponseFrame>(
  stream: Duplex<ResponseFrame, RequestFrame>,
  options: ServeLaneOptions<Request, Response, RequestFrame, ResponseFrame>,
): ServedLane {
  return new LaneServer(stream, options);
}

class LaneServer<Request extends LaneMessage, Response extends LaneMessage, RequestFrame, ResponseFrame>
  implements ServedLane, LaneCaller
{
  readonly #stream: Duplex<ResponseFrame, RequestFrame>;
  readonly #options: ServeLaneOptions<Request, Response, RequestFrame, ResponseFrame>;
  readonly #inFlightMax: number;
  readonly #batchBytesMax: number;
  readonly #gone = new CancelSource();
  readonly #signals = new CancelTable();
  #replies: Response[] = [];
  #head = 0;
  /** About how many bytes the replies take that wait to be sent. */
  #replyBytes = 0;
  /** Requests that were dispatched and not yet replied to. */
  #running = 0;
  #held = false;
  #paused = false;
  #flushing = false;
  #draining = false;
  #probed = false;
  #ended = false;
  #cancelStall: CancelTimer | undefined;
  readonly #drained: (() => void)[] = [];
  readonly #reply = (response: Response): void => {
    this.#take(response);
  };
  readonly #flush = (): void => {
    this.#flushing = false;
    this.#send();
  };

  constructor(
    stream: Duplex<ResponseFrame, RequestFrame>,
    options: ServeLaneOptions<Request, Response, RequestFrame, ResponseFrame>,
  ) {
    this.#stream = stream;
    this.#options = options;
    this.#inFlightMax = options.inFlightMax ?? inFlightMaxDefault;
    this.#batchBytesMax = options.batchBytesMax ?? batchBytesMaxDefault;
    stream.onMessage((frame) => this.#receive(frame));
    stream.onDrain(() => this.#release());
    stream.onEnd((error) => {
      if (error === undefined) void this.drain();
      else this.#end(error);
    });
  }

  get gone(): CancelSignal {
    return this.#gone;
  }

  signalOf(request: LaneMessage): CancelSignal {
    const known = this.#signals.get(request.id);
    if (known) return known;
    return this.#gone.aborted ? this.#gone : this.#signals.add(request.id);
  }

  drain(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#draining = true;
    const drained = new Promise<void>((resolve) => this.#drained.push(resolve));
    this.#endIfDone();
    return drained;
  }

  #receive(frame: RequestFrame): void {
    if (this.#ended || this.#draining) return;
    const requests = this.#options.unpack(frame);
    if (requests.length === 0) this.#answerProbe();
    if (requests.length > requestsPerFrameMax) {
      this.#options.log.warn("lane.flooded", { requests: requests.length });
      this.#stream.cancel();
      return;
    }
    for (const request of requests) this.#dispatch(request);
    this.#pauseIfFull();
  }

  // An empty frame asks whether we are there. However many of them wait while the peer does not read, one answer does.
  #answerProbe(): void {
    this.#probed = true;
    if (!this.#held && !this.#flushing) this.#send();
  }

  #dispatch(request: Request): void {
    const { cancelledId, dispatch, refuse, log } = this.#options;
    const cancelled = cancelledId?.(request);
    if (cancelled !== undefined) {
      this.#signals.get(cancelled)?.abort(new QuorumError({ code: "cancelled", message: "the caller gave it up" }));
      return;
    }
    const id = request.id;
    if (id !== 0) this.#running += 1;
    try {
      dispatch(request, this.#reply, this);
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.code === "internal") log.error("lane.handler-failed", { error });
      if (id !== 0) this.#take(refuse(request, error));
    }
  }

  #take(response: Response): void {
    this.#running -= 1;
    this.#signals.delete(response.id);
    if (this.#ended) return;
    this.#replies.push(response);
    this.#replyBytes += this.#options.bytesOf(response);
    if (this.#held) this.#pauseIfFull();
    if (this.#flushing || this.#held) return;
    this.#flushing = true;
    this.#options.clock.endOfTurn(this.#flush);
  }

  #send(): void {
    if (this.#ended) return;
    if (this.#probed && !this.#held) {
      this.#probed = false;
      this.#held = !this.#stream.write(this.#options.pack([]));
    }
    while (!this.#held && this.#head < this.#replies.length) {
      const batch = this.#nextBatch();
      this.#options.onFrame?.(batch.length);
      this.#held = !this.#stream.write(this.#options.pack(batch));
    }
    if (this.#head === this.#replies.length) {
      this.#replies = [];
      this.#head = 0;
    }
    this.#watchStall();
    this.#pauseIfFull();
    this.#resumeIfFree();
    this.#endIfDone();
  }

  #nextBatch(): Response[] {
    const from = this.#head;
    let bytes = 0;
    for (; this.#head < this.#replies.length; this.#head += 1) {
      const response = this.#replies[this.#head];
      const responseBytes = response === undefined ? 0 : this.#options.bytesOf(response);
      if (this.#head > from && bytes + responseBytes > this.#batchBytesMax) break;
      bytes += responseBytes;
    }
    this.#replyBytes -= bytes;
    if (from === 0 && this.#head === this.#replies.length) return this.#replies;
    return this.#replies.slice(from, this.#head);
  }

  #release(): void {
    this.#held = false;
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    if (!this.#flushing) this.#send();
  }

  get #outstanding(): number {
    return this.#running + this.#replies.length - this.#head;
  }

  #pauseIfFull(): void {
    if (this.#paused || this.#ended) return;
    if (this.#outstanding < this.#inFlightMax && this.#replyBytes < replyBytesMax) return;
    this.#paused = true;
    this.#stream.pause();
  }

  #resumeIfFree(): void {
    if (!this.#paused || this.#held) return;
    if (this.#outstanding > this.#inFlightMax / 2 || this.#replyBytes > replyBytesMax / 2) return;
    this.#paused = false;
    this.#stream.resume();
  }

  #watchStall(): void {
    if (!this.#held || this.#cancelStall !== undefined) return;
    const { clock, log, stallTimeoutMs = stallTimeoutMsDefault } = this.#options;
    this.#cancelStall = clock.after(stallTimeoutMs, () => {
      this.#cancelStall = undefined;
      if (!this.#held || this.#ended) return;
      log.warn("lane.stalled", { waitingReplies: this.#replies.length - this.#head });
      this.#stream.cancel();
    });
  }

  #endIfDone(): void {
    if (!this.#draining || this.#ended || this.#outstanding > 0) return;
    this.#stream.end();
    this.#end(undefined);
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelStall?.();
    this.#replies = [];
    this.#head = 0;
    const reason = error ?? new QuorumError({ code: "cancelled", message: "the caller has gone" });
    this.#gone.abort(reason);
    this.#signals.abortAll(reason);
    for (const resolve of this.#drained) resolve();
  }
}
