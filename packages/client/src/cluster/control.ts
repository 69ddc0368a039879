import {
  type CallOptions,
  type Channel,
  type Clock,
  type Method,
  type Network,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { backoffMs } from "../retry/backoff.js";

// Longer than a SuperNode takes to restart; beyond that a person should hear of it.
const retryForMs = 5_000;

export interface ControlOptions {
  readonly endpoints: readonly string[];
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
}

/** Calls to a SuperNode: one that answers among the endpoints, the last good one first. */
export class Control {
  readonly #options: ControlOptions;
  readonly #channels: readonly Channel[];
  #current = 0;
  #closed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#channels = options.endpoints.map((address) =>
      options.network.connect({ address, purpose: "control", identity: new Map() }),
    );
  }

  /** The endpoint that is in use. */
  get channel(): Channel {
    const channel = this.#channels[this.#current];
    if (channel && !this.#closed) return channel;
    throw new QuorumError({ code: "cancelled", message: "the client was closed" });
  }

  /** Turns to the next endpoint, since this one failed. */
  turn(failed: Channel): void {
    if (this.#channels[this.#current] === failed) this.#current = (this.#current + 1) % this.#channels.length;
  }

  /** Repeats the call, at the other endpoints too, until one answers or the time is up. Only for what may be repeated. */
  async ask<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: { readonly timeoutMs: number; readonly signal?: CallOptions["signal"] },
  ): Promise<Response> {
    const { clock, random } = this.#options;
    const startedAtMs = clock.nowMs();
    for (let round = 1; ; round += 1) {
      const remainingMs = startedAtMs + options.timeoutMs - clock.nowMs();
      const channel = this.channel;
      try {
        return await channel.unary(method, request, callOptions(Math.max(1, remainingMs), options.signal));
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        const elapsedMs = clock.nowMs() - startedAtMs;
        if (error.code !== "unavailable" || error.details.mayHaveRun === undefined) throw error;
        this.turn(channel);
        if (elapsedMs >= Math.min(retryForMs, options.timeoutMs) || this.#closed) throw this.#unreachable(error);
      }
      await new Promise<void>((resolve) => clock.after(backoffMs(round, random), resolve));
    }
  }

  /** Asks once; an answer that does not come leaves open whether the request took effect. */
  async command<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: { readonly title: string; readonly timeoutMs: number; readonly signal?: CallOptions["signal"] },
  ): Promise<Response> {
    const channel = this.channel;
    try {
      return await channel.unary(method, request, callOptions(options.timeoutMs, options.signal));
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.details.mayHaveRun === undefined) throw error;
      this.turn(channel);
      if (!error.details.mayHaveRun) throw error.code === "unavailable" ? this.#unreachable(error) : error;
      throw new QuorumError({
        code: "unknown_outcome",
        message: `it is not known whether ${options.title} took effect (${error.message})`,
        details: error.details,
        cause: error,
      });
    }
  }

  #unreachable(cause: QuorumError): QuorumError {
    return noSuperNode(this.#options.endpoints, cause);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    for (const channel of this.#channels) channel.close();
  }
}

export function noSuperNode(endpoints: readonly string[], cause: QuorumError | undefined): QuorumError {
  const reason = cause ? ` (${cause.message})` : "";
  return new QuorumError({
    code: "unavailable",
    message:
      `no SuperNode answers at ${endpoints.join(" or ")}${reason}; ` +
      "start a cluster with `npm start`, or give the address of one that runs",
    cause,
  });
}

function callOptions(timeoutMs: number, signal: CallOptions["signal"]): CallOptions {
  return signal ? { timeoutMs, signal } : { timeoutMs };
}
