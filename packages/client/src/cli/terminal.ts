import type { TransferMeter } from "./transfer-meter.js";

/** Standard input, output and error, as the commands see them. */
export interface Terminal {
  readonly columns: number;
  /** Resolves when the data has been taken. @throws OutputClosed */
  write(data: string | Uint8Array): Promise<void>;
  /** One line on standard error. */
  complain(line: string): void;
  /** Standard input, as it comes. */
  input(): AsyncIterable<Uint8Array>;
  /** Shows on standard error how far transfers are, if somebody watches and they take a while. @returns ends it */
  progress(meter: TransferMeter): () => void;
}

/** Whoever read our output has had enough (`quorumfs ls ... | head`): a reason to stop, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
