/** Standard input, output and error, as the commands see them. */
export interface Terminal {
  readonly columns: number;
  /** People look at standard output and want to see colours there; not with `NO_COLOR`. */
  readonly hasColours: boolean;
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
  /** Takes the whole terminal for a live view, until it is closed; undefined: input or output is no terminal that can do that. */
  screen(): Screen | undefined;
  /** Asks on standard error for a yes; undefined if nobody is there to answer. */
  confirm(question: string): Promise<boolean | undefined>;
}

/** The whole of a terminal. What stood there before is back when it is closed, or the process ends, however that comes. */
export interface Screen {
  /** As it is now. */
  readonly size: { readonly columns: number; readonly rows: number };
  /** Shows these lines from the top on, no wider and no more than there is room. Drops the picture if the last one has not gone out yet. */
  draw(lines: readonly string[]): void;
  /** A key by its name (`up`, `pagedown`, `tab`, `escape`, `ctrl-c`), or the character that it stands for. */
  onKey(listener: (key: string) => void): void;
  onResize(listener: () => void): void;
  /** Idempotent. */
  close(): void;
}

/** Whoever read our output has had enough (`quorumfs ls ... | head`): a reason to stop, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
