/** Standard input, output and error, as the commands see them. */
export interface Terminal {
  /** Somebody watches standard error: progress makes sense. */
  readonly isWatched: boolean;
  readonly columns: number;
  /** Resolves when the data has been taken. @throws OutputClosed */
  write(data: string | Uint8Array): Promise<void>;
  /** One line on standard error. */
  complain(line: string): void;
  /** Standard input to its end, but no more than `bytesMax + 1` bytes. */
  read(bytesMax: number): Promise<Uint8Array>;
  /** A bar on standard error; does nothing if nobody watches. */
  progress(total: number): Progress;
}

export interface Progress {
  step(): void;
  stop(): void;
}

/** Whoever read our output has had enough (`quorumfs ls ... | head`): a reason to stop, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
