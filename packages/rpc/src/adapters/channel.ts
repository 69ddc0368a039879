import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import type { CallOptions, CancelSignal, Channel, ConnectOptions, Duplex, Method } from "@quorumfs/core";
import { ClientDuplex } from "./client-duplex.js";
import { codecOf } from "./codec.js";
import { identityToMetadata } from "./identity.js";
import { channelOptions } from "./limits.js";
import { fromStatus } from "./status.js";

/** A call under way, as grpc-js shows it. */
interface ClientCall {
  cancel(): void;
  getPeer(): string;
}

/** A way to one peer over grpc-js, with a connection of its own. */
export class GrpcChannel implements Channel {
  readonly address: string;
  readonly #client: Client;
  readonly #identity: Metadata;
  readonly #target: string;

  constructor(options: ConnectOptions) {
    this.address = options.address;
    this.#identity = identityToMetadata(options.identity);
    this.#client = new Client(options.address, credentials.createInsecure(), channelOptions);
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
    const codec = codecOf(method);
    const call = this.#client.makeBidiStreamRequest<Request, Response>(
      method.path,
      codec.encodeRequest,
      codec.decodeResponse,
      this.#identity.clone(),
      deadlineOf(options),
    );
    const watch = new CancelWatch(options.signal, call);
    return new ClientDuplex(call, (error) => {
      watch.end();
      return this.#translate(error, call, watch, options);
    });
  }

  close(): void {
    this.#client.close();
  }

  #translate(error: ServiceError, call: ClientCall, watch: CancelWatch, options: CallOptions) {
    return fromStatus(error, {
      address: this.address,
      timeoutMs: options.timeoutMs,
      cancelled: watch.cancelled,
      // A call that has found a connection names that as its peer; one that has not, what it was looking for.
      sent: call.getPeer() !== this.#target,
    });
  }
}

/** Cancels a call when its caller's signal says so. */
class CancelWatch {
  readonly #signal: CancelSignal | undefined;
  readonly #call: ClientCall;
  cancelled = false;
  readonly #abort = (): void => {
    this.cancelled = true;
    this.#call.cancel();
  };

  constructor(signal: CancelSignal | undefined, call: ClientCall) {
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
