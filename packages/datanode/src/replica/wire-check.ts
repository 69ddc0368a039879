/**
 * What comes off the wire is input, from whomever: here it becomes messages of the core, or an error that says what is
 * wrong. Everything has its limit, so that what is stored can also be encoded and sent again.
 */
import { Buffer } from "node:buffer";
import {
  type Ballot,
  type BucketId,
  bucketId,
  checkPath,
  compareBallots,
  type Content,
  inlineBytesMax,
  manifestBytesMax,
  pathBytesMax,
  QuorumError,
  ringSizeMax,
  type Value,
  zeroBallot,
} from "@quorumfs/core";
import type { Ballot as BallotMessage, Value as ValueMessage } from "@quorumfs/proto";
import { attributesBytesMax, attributesMax } from "./limits.js";

const etagBytes = 32;
const requestIdBytes = 16;
// A path and one more character, for "behind everything that begins with this".
const afterBytesMax = pathBytesMax + 4;

const none: Content = Object.freeze({ kind: "none" });
const omitted: Content = Object.freeze({ kind: "omitted" });

export function malformed(what: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message: `malformed message: ${what}` });
}

export function checkBucketId(value: number): BucketId {
  if (value === 0) throw malformed("no bucket");
  return bucketId(value);
}

export function checkTarget(bucket: number, path: string): { readonly bucket: BucketId; readonly path: string } {
  return { bucket: checkBucketId(bucket), path: checkPath(path) };
}

/** Where a page resumes: a path, or what follows all paths that share a prefix. Only compared, so any text does. */
export function checkAfter(after: string): string {
  const bytes = Buffer.byteLength(after);
  if (bytes > afterBytesMax) throw malformed(`a position of ${bytes} bytes`);
  return after;
}

/** A ballot that somebody may propose under. The decoder has already refused counters above 2^53 - 1. */
export function checkBallot(ballot: BallotMessage | undefined, what: string): Ballot {
  if (!ballot || ballot.counter === 0 || ballot.node === 0) throw malformed(`${what} is no ballot`);
  return ballot;
}

export function optionalBallot(ballot: BallotMessage | undefined, what: string): Ballot {
  return ballot ? checkBallot(ballot, what) : zeroBallot;
}

export function checkRequestId(requestId: Uint8Array): Uint8Array {
  if (requestId.length !== 0 && requestId.length !== requestIdBytes) {
    throw malformed(`a request id of ${requestId.length} bytes`);
  }
  return requestId;
}

/** A value with or without content. */
export function checkValue(message: ValueMessage): Value {
  const { tombstone, size, etag, attributes, ring, modifiedAtMs } = message;
  const version = checkBallot(message.version, "the value's version");
  if (etag.length !== (tombstone ? 0 : etagBytes)) throw malformed(`an etag of ${etag.length} bytes`);
  if (tombstone && size !== 0) throw malformed("a tombstone with a size");
  if (ring.length > ringSizeMax) throw malformed(`${ring.length} requests in the value's ring`);
  for (const mark of ring) if (mark.requestId.length !== requestIdBytes) throw malformed("a request id in the ring");
  if (attributes.size > 0) checkAttributes(attributes);
  const content = checkContent(message);
  return { kind: tombstone ? "tombstone" : "live", version, size, etag, modifiedAtMs, content, attributes, ring };
}

/** A value that is to be voted for: with its content, and no newer than the ballot that it comes under. */
export function checkProposal(message: ValueMessage | undefined, ballot: Ballot): Value {
  if (!message) throw malformed("no value");
  const value = checkValue(message);
  if (value.content.kind === "omitted") throw malformed("a proposal without content");
  if (compareBallots(value.version, ballot) > 0) throw malformed("a value that is newer than its ballot");
  return value;
}

function checkContent({ tombstone, content, size }: ValueMessage): Content {
  if (!content) return tombstone ? none : omitted;
  if (tombstone) throw malformed("a tombstone with content");
  const bytes = content.value;
  switch (content.$case) {
    case "inline":
      if (bytes.length > inlineBytesMax) throw malformed(`content of ${bytes.length} bytes; at most ${inlineBytesMax}`);
      if (bytes.length !== size) throw malformed(`content of ${bytes.length} bytes for a size of ${size}`);
      return { kind: "inline", bytes };
    case "manifest":
      if (bytes.length > manifestBytesMax) throw malformed(`a manifest of ${bytes.length} bytes`);
      if (size <= inlineBytesMax) throw malformed(`a manifest for a size of ${size}`);
      return { kind: "manifest", bytes };
  }
}

function checkAttributes(attributes: ReadonlyMap<string, string>): void {
  if (attributes.size > attributesMax) throw malformed(`${attributes.size} attributes; at most ${attributesMax}`);
  let bytes = 0;
  for (const [name, value] of attributes) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  if (bytes > attributesBytesMax) throw malformed(`attributes of ${bytes} bytes; at most ${attributesBytesMax}`);
}
