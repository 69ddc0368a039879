import { QuorumError } from "@quorumfs/core";

/** What makes this cluster this cluster. */
export interface Identity {
  /** Of everything in the store. */
  readonly format: number;
  /** 16 random bytes in hex. */
  readonly clusterId: string;
  /** N. */
  readonly replicas: number;
  /** How often a SuperNode has opened this store. */
  readonly starts: number;
  /**
   * Grows by 2 with every change that is stored, and by 1 with every start. Revisions begin with it: so an old copy of the
   * store, which lacks a change at least, starts below what the DataNodes have heard of.
   */
  readonly changes: number;
  /** Ids up to this one are spent. */
  readonly bucketsMade: number;
}

export const identityFormat = 2;

export function encodeIdentity(identity: Identity): Uint8Array {
  return Buffer.from(JSON.stringify(identity));
}

/** @throws QuorumError `corrupt`: no identity, or one that a later version has written */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const content = parse(Buffer.from(bytes).toString("utf8"));
  const { format, clusterId, replicas, starts, changes, bucketsMade } = content;
  if (format !== identityFormat) {
    throw corrupt(`format ${String(format)}; this program reads format ${identityFormat}`);
  }
  const isComplete =
    isCount(replicas) && isCount(starts) && isCount(changes) && isCount(bucketsMade) && typeof clusterId === "string";
  if (!isComplete) {
    throw corrupt("fields that are missing or wrong");
  }
  return { format, clusterId, replicas, starts, changes, bucketsMade };
}

function parse(text: string): Partial<Record<keyof Identity, unknown>> {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === "object" && content !== null) return content;
  } catch {
    // Told below, as for any other text.
  }
  throw corrupt("something that is not an identity");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function corrupt(what: string): QuorumError {
  return new QuorumError({ code: "corrupt", message: `the SuperNode's store has ${what}` });
}
