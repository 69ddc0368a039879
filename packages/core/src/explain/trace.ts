/**
 * - `attempt`: the client asks a coordinator. `hedged`: another one is asked beside it, or others of the replicas, since the
 *   first is slow. `waited`: nothing was done, `detail` says what for.
 * - `admitted`: the coordinator has let it in. `queued`: it has waited for earlier changes of the file.
 * - `round`: a round of votes begins, `detail` names it: read, prepare, accept, erase. `asked`, `answered`: one replica;
 *   `nacked`: it has promised a higher ballot to somebody else; `failed`: it said nothing that counts, or nothing.
 * - `transfer`: bytes of chunks went to or came from DataNodes.
 * - `decided`: the coordinator, or the client, has come to an end.
 */
export type TraceStepKind =
  | "admitted"
  | "queued"
  | "round"
  | "asked"
  | "answered"
  | "nacked"
  | "failed"
  | "hedged"
  | "waited"
  | "decided"
  | "attempt"
  | "transfer";

export interface TraceStep {
  /** Since the operation began. A coordinator's steps are told from when it was asked: its clock is not ours. */
  readonly atMs: number;
  readonly kind: TraceStepKind;
  /** The DataNode whose step it is; undefined: the client's own. */
  readonly coordinator: number | undefined;
  /** The DataNode that the step is about. */
  readonly node: number | undefined;
  /** How long what has ended here took; 0 where nothing has. */
  readonly tookMs: number;
  readonly ballot: { readonly counter: number; readonly node: number; readonly incarnation: number } | undefined;
  /** For people. */
  readonly detail: string;
}

/** One operation as it ran. */
export interface OperationTrace {
  /** In hexadecimal: the name by which client, coordinator and replicas log the operation. */
  readonly operationId: string;
  readonly steps: readonly TraceStep[];
  /** Steps that were too many to tell. */
  readonly leftOut: number;
}
