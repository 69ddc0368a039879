import type { Clock } from "@quorumfs/core";
import type { QuorumFs } from "../quorumfs.js";
import type { Printer } from "./printer.js";
import type { CommonConfig } from "./settings.js";
import type { Terminal } from "./terminal.js";
import type { UploadNotes } from "./upload-note.js";

/** What a command works with. */
export interface Context {
  readonly config: CommonConfig;
  /** Of this software. */
  readonly version: string;
  readonly terminal: Terminal;
  readonly printer: Printer;
  readonly clock: Clock;
  readonly notes: UploadNotes;
  /** Aborted by Ctrl-C: nothing new is begun. */
  readonly stopping: AbortSignal;
  /** Aborted soon after: what is under way is given up. */
  readonly signal: AbortSignal;
  /** Keeps a word on how to go on for the end of the command; the same word once only. */
  advise(line: string): void;
  /** Connects with the first call; the same connection for all. */
  cluster(): Promise<QuorumFs>;
  /** Operations are to be told as they ran. */
  readonly explain?: boolean;
  /** Asks once. */
  clusterId(): Promise<string>;
}

/** The options that each operation of the SDK gets. */
export function operationOptions(context: Context): {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly trace: boolean;
} {
  return { timeoutMs: context.config.timeoutMs, signal: context.signal, trace: context.explain ?? false };
}

export function readOptions(context: Context) {
  return { ...operationOptions(context), consistency: context.config.consistency };
}
