/** What was checked in one step of a walk. */
export interface WalkStep {
  readonly records: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Where the next step begins; undefined at the end. */
  readonly after: Uint8Array | undefined;
}

/** Everything of one kind that this node stores, in the order of its keys. */
export interface ScrubWalk {
  /** Bytes that there are to check, about; cheap. */
  bytes(): number;
  /**
   * Checks what comes next, so little that nobody notices: it reports what is damaged, and goes on.
   *
   * @param after the last key that was checked; empty at the beginning
   */
  step(after: Uint8Array, signal: AbortSignal): Promise<WalkStep>;
}
