import {
  type CallOptions,
  type CancelSignal,
  type Channel,
  type ConnectOptions,
  type Duplex,
  type Method,
  QuorumError,
} from "@quorumfs/core";
import type { SimulatedProcess } from "../world/simulated-process.js";
import { type AnyCallEnd, CallEnd } from "./call-end.js";
import type { Connection } from "./connection.js";

export interface ChannelOptions extends ConnectOptions {
  readonly process: SimulatedProcess;
  /** Begins a connection to the address. */
  readonly dial: () => Connection;
  /** Announces a call to the server; its frames follow. */
  readonly announce: (
    connection: Connection,
    end: AnyCallEnd,
    call: { readonly path: string; readonly timeoutMs: number | undefined },
  ) => void;
}

/** A way to one peer from a process: a connection when first used, a new one when that was lost. */
export class SimulatedChannel implements Channel {
  readonly address: string;
  readonly #options: ChannelOptions;
  #connection: Connection | undefined;
  #closed = false;

  constructor(options: ChannelOptions) {
    this.address = options.address;
    this.#options = options;
  }

  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const call = this.#call(method, options);
      let response: { readonly message: Response } | undefined;
      call.onMessage((message) => {
        response = { message };
      });
      call.onEnd((error) => {
        if (error) reject(error);
        else if (response) resolve(response.message);
        else reject(new QuorumError({ code: "internal", message: `${this.address} gave no answer` }));
      });
      call.write(request);
      call.end();
    });
  }

  async *serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response, void, undefined> {
    const call = this.#call(method, options);
    const messages: Response[] = [];
    let over: { readonly error: Error | undefined } | undefined;
    let wake: () => void = () => undefined;
    call.onMessage((message) => {
      messages.push(message);
      // One at a time: a slow consumer holds the sender back.
      call.pause();
      wake();
    });
    call.onEnd((error) => {
      over = { error };
      wake();
    });
    call.write(request);
    call.end();
    try {
      for (;;) {
        const message = messages.shift();
        if (message !== undefined) {
          yield message;
          continue;
        }
        if (isOver(over)) {
          if (over.error) throw over.error;
          return;
        }
        call.resume();
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      call.cancel();
    }
  }

  duplex<Request, Response>(method: Method<Request, Response>, options: CallOptions): Duplex<Request, Response> {
    return this.#call(method, options);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const connection = this.#connection;
    connection?.reset(connection.client, "the channel was closed");
  }

  #call<Request, Response>(method: Method<Request, Response>, options: CallOptions): CallEnd<Request, Response> {
    const { process, dial, announce } = this.#options;
    if (!this.#connection || this.#connection.client.broken) this.#connection = dial();
    const connection = this.#connection;
    const call = new CallEnd<Request, Response>({
      path: method.path,
      connection,
      side: connection.client,
      encode: (message) => method.requestPieces?.(message) ?? [method.requestSerialize(message)],
      decode: (bytes) => method.responseDeserialize(bytes),
      lostError: (reason) => {
        const details = { mayHaveRun: connection.isOpen };
        const code = this.#closed ? "cancelled" : "unavailable";
        return new QuorumError({ code, message: `${this.address}: ${reason}`, details });
      },
    });
    if (this.#closed) {
      call.lost("the channel was closed");
      return call;
    }
    const { timeoutMs, signal } = options;
    announce(connection, call, { path: method.path, timeoutMs });
    if (timeoutMs !== undefined) {
      const details = () => ({ mayHaveRun: connection.isOpen });
      const message = `the call to ${this.address} timed out after ${timeoutMs} ms`;
      const cancelTimer = process.clock.after(timeoutMs, () =>
        call.giveUp(new QuorumError({ code: "unavailable", message, details: details() })),
      );
      call.onGone(cancelTimer);
    }
    if (signal) heed(signal, call);
    return call;
  }
}

function heed(signal: CancelSignal, call: { cancel(): void; onGone(listener: () => void): void }): void {
  const cancel = (): void => call.cancel();
  if (signal.aborted) queueMicrotask(cancel);
  signal.addEventListener("abort", cancel, { once: true });
  call.onGone(() => signal.removeEventListener("abort", cancel));
}

// What callbacks have set meanwhile, which the compiler does not see.
function isOver(
  over: { readonly error: Error | undefined } | undefined,
): over is { readonly error: Error | undefined } {
  return over !== undefined;
}
