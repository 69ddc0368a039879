/**
 * What a client saw of a file: the records from which histories are made, by the workload generator, by the simulator
 * and by tests that kill nodes.
 *
 * A file is a register. It is absent at first; a write gives it a value and a version, a delete makes it absent again.
 * Versions grow strictly from mutation to mutation, deletes included. A mutation may carry a condition, which is
 * evaluated on the state that the mutation meets. An operation takes effect at one instant between its start and its
 * end, or, if its outcome is unknown, at any instant after its start, or never.
 */

interface Timed {
  /** Operations on different files have nothing to do with each other. */
  readonly file: string;
  /** Who asked, for people who read a timeline; has no influence on the verdict. */
  readonly client: string;
  /** Any unit and any origin, as long as all operations of a history share them. */
  readonly startedAt: number;
  /** Not before `startedAt`. Irrelevant if the outcome is unknown. An end and a start at the same time overlap. */
  readonly endedAt: number;
}

/** What must hold for a mutation to take effect. A delete without a condition asks that the file exists. */
export type OperationCondition =
  | { readonly kind: "absent" }
  /** The file exists and has this version. */
  | { readonly kind: "version"; readonly version: number }
  /** The file exists and has this content (the etag of an `ifMatch`). */
  | { readonly kind: "value"; readonly value: string };

/** It had no effect, and says nothing about the file. */
interface Failed {
  readonly kind: "failed";
}

/** It may take effect at any time after its start, or never. */
interface Unknown {
  readonly kind: "unknown";
}

export type ReadOutcome =
  | { readonly kind: "found"; readonly value: string; readonly version?: number }
  | { readonly kind: "absent" }
  | Failed
  | Unknown;

export type MutationOutcome =
  | { readonly kind: "done"; readonly version?: number }
  /** An observation too: the condition did not hold. `currentVersion` is what it met, 0 for an absent file. */
  | { readonly kind: "condition_failed"; readonly currentVersion?: number }
  | Failed
  | Unknown;

export interface ReadOperation extends Timed {
  readonly kind: "read";
  readonly outcome: ReadOutcome;
}

export interface WriteOperation extends Timed {
  readonly kind: "write";
  /** What identifies the content, the content itself or a digest. The check is fastest if no two writes share one. */
  readonly value: string;
  readonly condition?: OperationCondition;
  readonly outcome: MutationOutcome;
}

export interface DeleteOperation extends Timed {
  readonly kind: "delete";
  readonly condition?: Exclude<OperationCondition, { kind: "absent" }>;
  readonly outcome: MutationOutcome;
}

export type MutationOperation = WriteOperation | DeleteOperation;
export type Operation = ReadOperation | MutationOperation;
