import type { MutationOutcome, Operation, OperationCondition } from "@quorumfs/workload-generator";

/** What a client process is to do. */
export interface ClientTask {
  readonly endpoints: readonly string[];
  /** Begins all its contents; no other client of the run has it. */
  readonly name: string;
  readonly seed: number;
  readonly operationsPerSecond: number;
  readonly files: FileSet;
  /** Of operations on small files and lists; those on big ones may take three times as long. */
  readonly timeoutMs: number;
}

/** The files of a run. */
export interface FileSet {
  readonly small: readonly string[];
  /** Above what fits into a vote: made of chunks. */
  readonly big: readonly string[];
  readonly bigBytesMax: number;
  /** Where W = N; its files begin with it. */
  readonly narrowBucket: string;
  /** What lists are made of: a prefix, `bucket/path/`, and all files below it. */
  readonly directories: readonly { readonly name: string; readonly files: readonly string[] }[];
}

export type ToClient = { readonly kind: "start"; readonly task: ClientTask } | { readonly kind: "stop" };

/** A mutation as it began: told before anything is sent to the cluster, so that it is known even if the client dies. */
export interface BegunMutation {
  readonly id: number;
  readonly kind: "write" | "delete";
  readonly file: string;
  /** SHA-256 of what is written, in hexadecimal; empty for a delete. */
  readonly value: string;
  readonly condition?: OperationCondition;
  readonly startedAt: number;
}

/** How one operation went, for measuring. */
export interface ClientSample {
  readonly group: "reads" | "writes";
  /** It needs every replica of its file, so that one that is away is enough to fail it. */
  readonly needsAll: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Undefined: it was answered, perhaps in the negative. */
  readonly failure?: { readonly code: string; readonly message: string };
}

export type FromClient =
  | { readonly kind: "began"; readonly mutation: BegunMutation }
  | {
      readonly kind: "ended";
      readonly sample: ClientSample;
      readonly mutation?: { readonly id: number; readonly outcome: MutationOutcome };
      /** Reads are told when they have ended: those that never do say nothing. */
      readonly reads?: readonly Operation[];
    }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string };
