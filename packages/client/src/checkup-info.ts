import type { QuorumError } from "@quorumfs/core";

/** What a process of the cluster runs on, as asked from here. */
export interface ProcessInfo {
  /** How long the answer took. */
  readonly roundTripMs: number;
  /** Its wall clock minus the one here; off by half of `roundTripMs` at most. */
  readonly clockAheadMs: number;
  /** Of Node.js: `v22.11.0`; undefined: not told. */
  readonly runtimeVersion: string | undefined;
  /** File descriptors in use, and how many there may be; undefined: not told. */
  readonly files: { readonly open: number; readonly max: number } | undefined;
}

/** What one DataNode answered. */
export type NodeProcess =
  | { readonly node: number; readonly process: ProcessInfo; readonly error?: undefined }
  | { readonly node: number; readonly process?: undefined; readonly error: QuorumError };

/** How long the disk of one DataNode took to make small files durable, in ms, one after the other. */
export type NodeDisk =
  | { readonly node: number; readonly syncMs: readonly number[]; readonly error?: undefined }
  | { readonly node: number; readonly syncMs?: undefined; readonly error: QuorumError };
