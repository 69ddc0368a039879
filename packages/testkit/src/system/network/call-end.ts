import { Buffer } from "node:buffer";
import { type CancelSignal, QuorumError, type ServedDuplex } from "@quorumfs/core";
import { formatMessage } from "../world/format-message.js";
import type { Connection, Side } from "./connection.js";
import { overTheWire } from "./wire-error.js";

/** What travels on a stream. */
export type Frame =
  | { readonly kind: "message"; readonly pieces: readonly Uint8Array[]; readonly onSent?: (() => void) | undefined }
  /** The client has said all that it had to say. */
  | { readonly kind: "half-close" }
  /** The server's last word. */
  | { readonly kind: "status"; readonly error: QuorumError | undefined }
  /** Gives the stream up, ahead of all that waits. */
  | { readonly kind: "cancel" };

/** Frames that a stream takes beyond its window before it asks to hold back; as the production network does. */
const framesWaitingMax = 2;

/** A stream's end as the network handles it, whatever its messages are. */
export interface AnyCallEnd extends FrameTarget {
  peer: FrameTarget | undefined;
  announce(arrive: () => void): void;
  lost(reason: string): void;
}

interface FrameTarget {
  /** @param taken to be called with the bytes of each frame once the receiver has taken it up */
  arrive(frame: Frame, taken: (bytes: number) => void): void;
}

export interface CallEndOptions<Out, In> {
  /** Path of the method. */
  readonly path: string;
  readonly connection: Connection;
  readonly side: Side;
  readonly encode: (message: Out) => readonly Uint8Array[];
  readonly decode: (bytes: Uint8Array) => In;
  /** The error that a lost connection means here. */
  readonly lostError: (reason: string) => QuorumError;
}

/** One end of a stream: what client and server have in common. Order, flow control and the one end that a stream has. */
export class CallEnd<Out, In> implements ServedDuplex<Out, In>, AnyCallEnd {
  peer: FrameTarget | undefined;
  readonly #options: CallEndOptions<Out, In>;
  readonly #order = { lastDueMs: 0 };
  /** Sent, and not taken up by the other end. */
  #unreadBytes = 0;
  readonly #waiting: Frame[] = [];
  #held = false;
  /** Arrived while paused. */
  readonly #unread: { readonly frame: Frame; readonly taken: (bytes: number) => void }[] = [];
  #paused = false;
  #draining = false;
  #closed = false;
  #told = false;
  #endedWith: Error | undefined;
  #onMessage: ((message: In) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #onEnd: ((error: Error | undefined) => void) | undefined;
  readonly #onGone: (() => void)[] = [];

  constructor(options: CallEndOptions<Out, In>) {
    this.#options = options;
    options.side.calls.add(this);
  }

  get isServer(): boolean {
    return this.#options.side === this.#options.connection.server;
  }

  /** Lets the server know of the call; what is written later arrives later. */
  announce(arrive: () => void): void {
    const { connection, side } = this.#options;
    connection.send(side, this.#order, arrive);
  }

  write(message: Out, onSent?: () => void): boolean {
    if (this.#closed) return true;
    this.#send({ kind: "message", pieces: this.#options.encode(message), onSent });
    this.#held = this.#waiting.length >= framesWaitingMax;
    return !this.#held;
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#send(this.isServer ? { kind: "status", error: undefined } : { kind: "half-close" });
  }

  cancel(): void {
    if (this.isServer) this.fail(new QuorumError({ code: "unavailable", message: "the server gave the stream up" }));
    else
      this.giveUp(new QuorumError({ code: "cancelled", message: "the call was cancelled", details: this.#mayHaveRun }));
  }

  fail(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#send({ kind: "status", error: overTheWire(error) });
    this.#tell(new QuorumError({ code: "cancelled", message: QuorumError.from(error).message }));
  }

  /** Ends the stream here and at the other side, for a reason of our own. */
  giveUp(error: QuorumError): void {
    if (this.#told) return;
    this.#closed = true;
    this.#transmit({ kind: "cancel" });
    this.#tell(error);
    this.#gone();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deliverSoon();
  }

  onMessage(listener: (message: In) => void): void {
    this.#onMessage = listener;
    this.#deliverSoon();
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener;
    if (this.#told) queueMicrotask(() => listener(this.#endedWith));
  }

  /** Told once nobody is at the other end any more, in whatever way the stream ended. */
  onGone(listener: () => void): void {
    if (this.#options.side.calls.has(this)) this.#onGone.push(listener);
    else listener();
  }

  lost(reason: string): void {
    this.#closed = true;
    this.#tell(this.#options.lostError(reason));
    this.#gone();
  }

  get #mayHaveRun(): { readonly mayHaveRun: boolean } {
    return { mayHaveRun: this.#options.connection.isOpen };
  }

  #gone(): void {
    this.#options.side.calls.delete(this);
    this.#waiting.length = 0;
    for (const listener of this.#onGone.splice(0)) listener();
  }

  #send(frame: Frame): void {
    if (this.#waiting.length > 0 || !this.#hasRoom(bytesOf(frame))) this.#waiting.push(frame);
    else this.#transmit(frame);
  }

  #hasRoom(bytes: number): boolean {
    return this.#unreadBytes === 0 || this.#unreadBytes + bytes <= this.#options.connection.windowBytes;
  }

  #transmit(frame: Frame): void {
    const { connection, side } = this.#options;
    const bytes = bytesOf(frame);
    this.#unreadBytes += bytes;
    connection.send(side, this.#order, () => this.peer?.arrive(frame, (read) => this.#taken(read)));
  }

  /** The other end has taken up so many bytes: room for what waits. Called there; the word travels back. */
  #taken(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#waiting.length === 0) return;
    const { connection, side } = this.#options;
    connection.send(connection.other(side), { lastDueMs: 0 }, () => this.#sendWaiting());
  }

  #sendWaiting(): void {
    for (;;) {
      const frame = this.#waiting[0];
      if (!frame || !this.#hasRoom(bytesOf(frame))) break;
      this.#waiting.shift();
      this.#transmit(frame);
    }
    if (!this.#held || this.#waiting.length >= framesWaitingMax) return;
    this.#held = false;
    this.#onDrain?.();
  }

  arrive(frame: Frame, taken: (bytes: number) => void): void {
    if (frame.kind === "cancel") {
      this.#closed = true;
      this.#tell(this.#options.lostError("the caller has gone"));
      this.#gone();
      return;
    }
    // After a failure nobody waits for what was held back.
    const urgent = frame.kind === "status" && frame.error !== undefined;
    if (urgent) this.#unread.length = 0;
    if (!urgent && (this.#paused || this.#unread.length > 0 || this.#onMessage === undefined)) {
      this.#unread.push({ frame, taken });
    } else this.#deliver(frame, taken);
  }

  #deliverSoon(): void {
    if (this.#draining || this.#unread.length === 0) return;
    this.#draining = true;
    const { process } = this.#options.side;
    process?.clock.endOfTurn(() => {
      this.#draining = false;
      while (!this.#paused) {
        const next = this.#unread.shift();
        if (next === undefined) break;
        this.#deliver(next.frame, next.taken);
      }
    });
  }

  #deliver(frame: Frame, taken: (bytes: number) => void): void {
    switch (frame.kind) {
      case "message": {
        taken(bytesOf(frame));
        const bytes = joined(frame.pieces);
        frame.onSent?.();
        if (this.isServer ? !this.#closed : !this.#told) this.#receive(bytes);
        break;
      }
      case "half-close":
        this.#tell(undefined);
        break;
      case "status":
        this.#closed = true;
        this.#tell(frame.error);
        this.#transmit({ kind: "cancel" });
        this.#gone();
        break;
      case "cancel":
        break;
    }
  }

  #receive(bytes: Uint8Array): void {
    const { path, connection, side, decode } = this.#options;
    const { trace, nowMs } = connection.world;
    trace.mark(nowMs, bytes);
    const message = decode(bytes);
    trace.say(nowMs, () => {
      const method = path.slice(path.lastIndexOf("/") + 1);
      return `${connection.other(side).machine.name} > ${side.machine.name} ${method} ${formatMessage(message)}`;
    });
    connection.observe(path, message);
    this.#onMessage?.(message);
  }

  #tell(error: Error | undefined): void {
    if (this.#told) return;
    this.#told = true;
    this.#endedWith = error;
    this.#onEnd?.(error);
  }
}

/** A signal that is aborted when a stream's other end has gone. */
export function goneSignal(end: { onGone(listener: () => void): void }): CancelSignal {
  const abort = new AbortController();
  end.onGone(() => abort.abort(new QuorumError({ code: "cancelled", message: "the caller has gone" })));
  return abort.signal;
}

function bytesOf(frame: Frame): number {
  return frame.kind === "message" ? frame.pieces.reduce((sum, { byteLength }) => sum + byteLength, 0) : 0;
}

/** A copy, made as late as possible: memory that its owner uses again too early shows in what arrives. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces);
}
