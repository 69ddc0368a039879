import { type ErrorCode, QuorumError } from "@quorumfs/core";

/** What the server itself turns away, with a status that the error's code does not say. */
export class Refusal extends QuorumError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super({ code, message });
    this.status = status;
  }
}

/** For what the asker can put right. */
export function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
