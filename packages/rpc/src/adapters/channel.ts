import { constants, type OutgoingHttpHeaders } from "node:http2";
import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type CallOptions,
  type CancelSignal,
  type Channel,
  type ConnectOptions,
  type Duplex,
  type Method,
  QuorumError,
} from "@quorumfs/core";
import { ClientDuplex } from "./client-duplex.js";
import { codecOf } from "./codec.js";
import { Connection } from "./connection.js";
import { EndedDuplex } from "./ended-duplex.js";
import { identityToMetadata } from "./identity.js";
import { channelOptions } from "./limits.js";
import { errorDetailKey, fromStatus } from "./status.js";
import { timeoutToHeader } from "./timeout-header.js";

const duplexHeaders = { ":method": "POST", "content-type": "application/grpc+proto", te: "trailers" };

interface Cancellable {
  cancel(): void;
}

/** A call under way, as grpc-js shows it. */
interface ClientCall extends Cancellable {
  getPeer(): string;
}

/**
 * A way to one peer, with connections of its own: one by grpc-js for ordinary calls and server streams, one for duplex
 * streams, each made when first used.
 */
export class GrpcChannel implements Channel {
  readonly address: string;
  readonly #client: Client;
  readonly #identity: Metadata;
  readonly #target: string;
  readonly #connection: Connection;
  readonly #headers: OutgoingHttpHeaders;

  constructor(options: ConnectOptions) {
    this.address = options.address;
    this.#identity = identityToMetadata(options.identity);
    this.#client = new Client(options.address, credentials.createInsecure(), channelOptions);
    this.#connection = new Connection(options.address);
    this.#headers = { ...duplexHeaders, ":authority": options.address, ...Object.fromEntries(options.identity) };
    this.#target = this.#client.getChannel().getTarget();
  }

  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const codec = codecOf(method);
      const call = this.#client.makeUnaryRequest<Request, Response>(
        method.path,
        codec.encodeRequest,
        codec.decodeResponse,
        request,
        this.#identity.clone(),
        deadlineOf(options),
        (error, response) => {
          watch.end();
          if (error) reject(this.#translate(error, call, watch, options));
          else if (response !== undefined) resolve(response);
        },
      );
      const watch = new CancelWatch(options.signal, call);
    });
  }

  async *serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response, void, undefined> {
    const codec = codecOf(method);
    const call = this.#client.makeServerStreamRequest<Request, Response>(
      method.path,
      codec.encodeRequest,
      codec.decodeResponse,
      request,
      this.#identity.clone(),
      deadlineOf(options),
    );
    const watch = new CancelWatch(options.signal, call);
    // The stream's own end may come before the loop takes the error, and after the loop has been left.
    call.on("error", ignore);
    try {
      // Messages are decoded by `responseDeserialize`; the stream's own type has forgotten theirs.
      for await (const message of call as AsyncIterable<Response>) yield message;
    } catch (error) {
      throw isServiceError(error) ? this.#translate(error, call, watch, options) : error;
    } finally {
      watch.end();
      call.cancel();
    }
  }

  duplex<Request, Response>(method: Method<Request, Response>, options: CallOptions): Duplex<Request, Response> {
    const timeout = options.timeoutMs === undefined ? {} : { "grpc-timeout": timeoutToHeader(options.timeoutMs) };
    const opened = this.#connection.request({ ...this.#headers, ...timeout, ":path": method.path });
    if (opened === undefined) {
      const message = `the channel to ${this.address} was closed`;
      return new EndedDuplex(new QuorumError({ code: "cancelled", message, details: { mayHaveRun: false } }));
    }
    const { stream, session } = opened;
    const watch = new CancelWatch(options.signal, { cancel: () => stream.close(constants.NGHTTP2_CANCEL) });
    stream.once("close", () => watch.end());
    return new ClientDuplex<Request, Response>(stream, {
      codec: codecOf(method),
      timeoutMs: options.timeoutMs,
      translate: (failure, cause) => {
        const { address } = this;
        const call = { address, timeoutMs: options.timeoutMs, cancelled: watch.cancelled, sent: !session.connecting };
        return fromStatus(failure, call, cause);
      },
    });
  }

  close(): void {
    this.#client.close();
    this.#connection.close();
  }

  #translate(error: ServiceError, call: ClientCall, watch: CancelWatch, options: CallOptions) {
    const detail = error.metadata.get(errorDetailKey)[0];
    const failure = { code: error.code, details: error.details, detail: Buffer.isBuffer(detail) ? detail : undefined };
    const failed = {
      address: this.address,
      timeoutMs: options.timeoutMs,
      cancelled: watch.cancelled,
      // A call that has found a connection names that as its peer; one that has not, what it was looking for.
      sent: call.getPeer() !== this.#target,
    };
    return fromStatus(failure, failed, error);
  }
}

/** Cancels a call when its caller's signal says so. */
class CancelWatch {
  readonly #signal: CancelSignal | undefined;
  readonly #call: Cancellable;
  cancelled = false;
  readonly #abort = (): void => {
    this.cancelled = true;
    this.#call.cancel();
  };

  constructor(signal: CancelSignal | undefined, call: Cancellable) {
    this.#signal = signal;
    this.#call = call;
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  end(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
  }
}

function deadlineOf(options: CallOptions): { deadline?: number } {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

function ignore(): void {}
