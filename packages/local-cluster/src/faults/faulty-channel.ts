import {
  type CallOptions,
  type CancelSignal,
  type Channel,
  type Duplex,
  type Method,
  QuorumError,
} from "@quorumfs/core";
import { Crossing, type CrossingOptions } from "./crossing.js";
import { FaultyDuplex } from "./faulty-duplex.js";
import { type Power, forever } from "./power.js";

/** A channel on which every call meets the faults between its two ends. */
export class FaultyChannel implements Channel {
  readonly #inner: Channel;
  readonly #crossing: () => CrossingOptions;
  readonly #power: Power;
  readonly #offPower: () => void;

  constructor(inner: Channel, crossing: () => CrossingOptions, power: Power) {
    this.#inner = inner;
    this.#crossing = crossing;
    this.#power = power;
    this.#offPower = power.onCut(() => inner.close());
  }

  get address(): string {
    return this.#inner.address;
  }

  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const stop = new AbortController();
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        cancelTimer();
        crossing.close();
        unlink();
        offPower();
        stop.abort();
        settle();
      };
      const fail = (error: unknown): void => finish(() => reject(QuorumError.from(error)));
      const crossing = new Crossing(this.#crossing(), fail);
      const cancelTimer = this.#deadline(options.timeoutMs, fail);
      const unlink = onAbort(options.signal, () => fail(cancelled()));
      const offPower = this.#power.onCut(() => finish(() => undefined));
      crossing.there.send(() => {
        this.#inner.unary(method, request, { ...options, signal: stop.signal }).then(
          (response) => crossing.back.send(() => finish(() => resolve(response))),
          (error: unknown) => crossing.back.send(() => fail(error)),
        );
      });
    });
  }

  async *serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response> {
    const stop = new AbortController();
    let broken: QuorumError | undefined;
    let onBroken: (error: QuorumError) => void = () => undefined;
    const crossing = new Crossing(this.#crossing(), (error) => {
      broken = error;
      onBroken(error);
    });
    // One waiter at a time; a `Promise.race` against one long-lived promise would collect them all.
    const unlessBroken = <T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void) =>
      new Promise<T>((resolve, reject) => {
        onBroken = reject;
        if (broken) reject(broken);
        else start(resolve, reject);
      });
    const cross = (passage: Crossing["there"]): Promise<void> =>
      unlessBroken((resolve) => passage.send(resolve, { essential: true }));

    const unlink = onAbort(options.signal, () => stop.abort());
    const offPower = this.#power.onCut(() => stop.abort());
    try {
      await cross(crossing.there);
      const stream = this.#inner.serverStream(method, request, { ...options, signal: stop.signal });
      const iterator = stream[Symbol.asyncIterator]();
      for (;;) {
        const next = await unlessBroken<IteratorResult<Response, unknown>>((resolve, reject) => {
          iterator.next().then(resolve, reject);
        });
        if (this.#power.off) await forever();
        await cross(crossing.back);
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      if (this.#power.off) await forever();
      throw error;
    } finally {
      crossing.close();
      unlink();
      offPower();
      stop.abort();
    }
  }

  duplex<Request, Response>(method: Method<Request, Response>, options: CallOptions): Duplex<Request, Response> {
    return new FaultyDuplex(this.#inner.duplex(method, options), this.#crossing(), this.#power);
  }

  close(): void {
    this.#offPower();
    this.#inner.close();
  }

  #deadline(timeoutMs: number | undefined, fail: (error: QuorumError) => void): () => void {
    if (timeoutMs === undefined) return () => undefined;
    return this.#crossing().clock.after(timeoutMs, () => {
      const message = `no answer from ${this.address} within ${timeoutMs} ms`;
      fail(new QuorumError({ code: "unavailable", message, details: { mayHaveRun: true } }));
    });
  }
}

function onAbort(signal: CancelSignal | undefined, action: () => void): () => void {
  if (!signal) return () => undefined;
  if (signal.aborted) queueMicrotask(action);
  signal.addEventListener("abort", action, { once: true });
  return () => signal.removeEventListener("abort", action);
}

function cancelled(): QuorumError {
  return new QuorumError({ code: "cancelled", message: "the call was given up", details: { mayHaveRun: true } });
}
