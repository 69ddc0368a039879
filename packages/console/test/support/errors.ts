import { type ErrorCode, QuorumError } from "@quorumfs/core";

/** For `toThrow`. */
export function isQuorumErrorOf(code: ErrorCode): { asymmetricMatch(error: unknown): boolean } {
  return { asymmetricMatch: (error: unknown) => error instanceof QuorumError && error.code === code };
}
