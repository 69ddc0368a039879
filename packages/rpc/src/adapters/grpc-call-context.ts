import type { Metadata } from "@grpc/grpc-js";
import { type CallContext, type CancelSignal, QuorumError } from "@quorumfs/core";
import { CancelSource } from "../lane/cancel-source.js";
import { identityFromMetadata } from "./identity.js";

/** What the calls of grpc-js' server have in common. */
interface ServerCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

/** Who calls, read from a call of grpc-js only as far as the handler asks. */
export class GrpcCallContext implements CallContext {
  readonly #call: ServerCall;
  #identity: ReadonlyMap<string, string> | undefined;
  #signal: CancelSource | undefined;

  constructor(call: ServerCall) {
    this.#call = call;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get identity(): ReadonlyMap<string, string> {
    this.#identity ??= identityFromMetadata(this.#call.metadata);
    return this.#identity;
  }

  get signal(): CancelSignal {
    if (this.#signal) return this.#signal;
    const source = new CancelSource();
    const abort = (): void => source.abort(new QuorumError({ code: "cancelled", message: "the caller gave it up" }));
    if (this.#call.cancelled) abort();
    else this.#call.on("cancelled", abort);
    this.#signal = source;
    return source;
  }
}
