/** What a load process of `bench overload` is asked to do, and what it answers. */

/** Goes over an IPC channel, as JSON. */
export type Task = { readonly kind: "connect"; readonly endpoint: string } | LoadTask;

export interface LoadTask {
  readonly kind: "load";
  /** Share of reads; the others overwrite. */
  readonly reads: number;
  /** Operations that begin in a second, whatever becomes of the earlier ones; undefined: one when another has ended. */
  readonly ratePerSecond: number | undefined;
  /** Under way at once, at most: the load itself where there is no rate, and a bound on this process's memory where there is. */
  readonly inFlightMax: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Of each operation. */
  readonly timeoutMs: number;
}

/** Of the time after the warm-up. */
export interface LoadDone {
  readonly begun: number;
  /** How long each operation took that ended well. */
  readonly servedMs: readonly number[];
  /** The same of those that the SDK gave up with `resource_exhausted`. */
  readonly givenUpMs: readonly number[];
  /** Operations that ended in another way, by error code. */
  readonly failed: Readonly<Record<string, number>>;
  /** How long DataNodes took to refuse attempts, retried or not. */
  readonly refusalsMs: readonly number[];
  /** The pauses that they asked for. */
  readonly hintsMs: readonly number[];
}
