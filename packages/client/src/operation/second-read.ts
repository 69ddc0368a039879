import type { QuorumError } from "@quorumfs/core";
import type { FileResponse } from "@quorumfs/proto";
import type { CancelCall } from "@quorumfs/rpc";
import type { Follower } from "../follow/follower.js";
import type { Target, Waiting } from "../routing/target.js";
import type { Request } from "./operation.js";

export interface SecondReadOptions {
  readonly target: Target;
  readonly request: Request;
  readonly operationId: Uint8Array;
  readonly follower: Follower | undefined;
  readonly askedAtMs: number;
  readonly timeoutMs: number;
  /** Of that time; the rest is for the way back. */
  readonly coordinatorsShare: number;
  readonly onEnd: (error: QuorumError | undefined, response: FileResponse | undefined) => void;
}

/** The attempt at a read that runs beside one that is late. */
export class SecondRead implements Waiting {
  readonly kind = "read";
  readonly target: Target;
  readonly askedAtMs: number;
  readonly timeoutMs: number;
  readonly #cancelCall: CancelCall;
  #over = false;

  constructor(options: SecondReadOptions) {
    const { target, request, operationId, follower, askedAtMs, timeoutMs, coordinatorsShare, onEnd } = options;
    this.target = target;
    this.askedAtMs = askedAtMs;
    this.timeoutMs = timeoutMs;
    target.began(this, askedAtMs);
    this.#cancelCall = target.session.call(
      {
        id: 0,
        timeoutMs: Math.ceil(timeoutMs * coordinatorsShare),
        operation: request,
        operationId,
        trace: follower?.tells ?? false,
        traceparent: follower?.traceparent ?? "",
      },
      { timeoutMs },
      (error, response) => {
        this.#over = true;
        onEnd(error, response);
      },
    );
  }

  /** It ended without an answer. */
  failed(error: QuorumError): void {
    if (error.code === "unavailable") this.target.failed(this);
    else this.target.abandoned(this);
  }

  /** There is no third. */
  onLate(): void {}

  /** The first is silent, too: whoever of them comes back first is welcome. */
  onSilence(): void {}

  /** Does nothing once it has ended. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelCall();
    this.target.abandoned(this);
  }
}
