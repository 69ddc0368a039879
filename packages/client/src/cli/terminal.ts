/** Standard input, output and error, as the commands see them. */
export interface Terminal {
  readonly columns: number;
  /** Resolves when the data has been taken. @throws OutputClosed */
  write(data: string | Uint8Array): Promise<void>;
  /** One line on standard error. */
  complain(line: string): void;
  /** Standard input, as it comes. */
  input(): AsyncIterable<Uint8Array>;
  /**
   * Shows on standard error how far something is, if somebody watches and it takes a while.
   *
   * @param line what to show now, no longer than so many columns
   * @returns ends it
   */
  progress(line: (columns: number) => string): () => void;
  /** Asks on standard error for a yes; undefined if nobody is there to answer. */
  confirm(question: string): Promise<boolean | undefined>;
}

/** Whoever read our output has had enough (`quorumfs ls ... | head`): a reason to stop, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
