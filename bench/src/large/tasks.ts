/** What the client process of `bench large` is asked to do, and what it answers. */

/** Goes over an IPC channel, as JSON. */
export type Task =
  | { readonly kind: "connect"; readonly endpoint: string }
  | FilesTask
  | { readonly kind: "append"; readonly name: string; readonly bytes: number; readonly times: number }
  /** Begins to read, waits for the first bytes, and reads no further; from another place of the file each time. */
  | { readonly kind: "firstByte"; readonly name: string; readonly bytes: number; readonly times: number };

/** Every file once, so many at a time. */
export interface FilesTask {
  readonly kind: "upload" | "download";
  readonly names: readonly string[];
  /** Of each file. */
  readonly bytes: number;
  readonly inFlight: number;
}

export interface TaskDone {
  readonly elapsedMs: number;
  readonly bytes: number;
  /** How long each file, or each first byte, took. */
  readonly latenciesMs: readonly number[];
}
