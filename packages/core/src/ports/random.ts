/** Randomness as the services see it; seeded in the simulator. */
export interface Random {
  /** Uniform in [0, 1). For jitter and for choosing among equals. */
  fraction(): number;
  /** `length` bytes that nobody can guess, for request ids and cluster ids. */
  bytes(length: number): Uint8Array;
}
