import { QuorumError } from "@quorumfs/core";

export interface AdmissionLimits {
  /** Operations under way or waiting, at most. */
  readonly operationsMax: number;
  /** Bytes of content that these operations hold, at most. */
  readonly contentBytesMax: number;
}

// What is under way has mostly left after about this long, at full load.
const retryAfterMs = 50;

/**
 * The door: what would make this node grow is refused at once, so that the client goes elsewhere or waits outside,
 * and what was let in is served within its deadline.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  #operations = 0;
  #contentBytes = 0;
  #finished = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Operations that were let in and have not left. */
  get inFlight(): number {
    return this.#operations;
  }

  /** Operations that have left since the start. */
  get finished(): number {
    return this.#finished;
  }

  /**
   * Lets an operation in; whoever enters leaves with the same number of bytes.
   *
   * @returns why not, if it has to stay outside
   */
  enter(contentBytes: number): QuorumError | undefined {
    const { operationsMax, contentBytesMax } = this.#limits;
    if (this.#operations >= operationsMax) return refusal(`${operationsMax} operations are under way`);
    // One operation is let in whatever it carries, or a low limit would shut the door for good.
    if (this.#operations > 0 && this.#contentBytes + contentBytes > contentBytesMax) {
      return refusal(`operations under way hold ${this.#contentBytes} bytes of content`);
    }
    this.#operations += 1;
    this.#contentBytes += contentBytes;
    return undefined;
  }

  leave(contentBytes: number): void {
    this.#operations -= 1;
    this.#contentBytes -= contentBytes;
    this.#finished += 1;
  }
}

function refusal(reason: string): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: `this DataNode is at its limit (${reason}); try again shortly or at another node`,
    details: { retryAfterMs, mayHaveRun: false },
  });
}
