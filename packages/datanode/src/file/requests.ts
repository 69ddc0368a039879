/** What clients ask for, checked: here is the edge at which names, conditions and contents come in. */
import {
  type Condition,
  type Intent,
  type Random,
  QuorumError,
  checkBucketName,
  checkManifest,
  checkPath,
  checkPrefix,
  inlineBytesMax,
  type ListQuery,
  type Manifest,
  manifestBytesMax,
  sameBytes,
} from "@quorumfs/core";
import {
  type Condition as ConditionMessage,
  Consistency,
  type DeleteRequest,
  type ListRequest,
  type Mutation as MutationMessage,
  type PutRequest,
} from "@quorumfs/proto";
import { decodeManifest } from "@quorumfs/runtime";
import { checkUploads } from "../content/manifest-uploads.js";
import { etagOf } from "../content-etag.js";
import { checkAttributes } from "./attributes.js";

/** Terms of a mutation that put and delete share. */
export interface MutationTerms {
  readonly condition: Condition;
  readonly requestId: Uint8Array;
  readonly mayHaveRun: boolean;
  readonly mayBeRepeated: boolean;
  readonly seenVersion: number;
}

export interface PutTerms extends MutationTerms {
  readonly intent: Extract<Intent, { kind: "put" }>;
  /** Of a large file: what its content says, all uploads in it being ones that this mutation may name. */
  readonly manifest?: Manifest;
}

const etagBytes = 32;
const requestIdBytes = 16;

/** Items of one page: by default, and at most. More would not fit into a message with the longest paths. */
export const listLimitDefault = 1000;
export const listLimitMax = 10_000;

/** Everything of a put but its names. */
export function putTerms(request: PutRequest, random: Random): PutTerms {
  if (request.manifest.byteLength > 0) return largePutTerms(request, random);
  const { content, attributes } = request;
  const size = content.byteLength;
  if (size > inlineBytesMax) {
    throw invalid(
      `the content has ${size} bytes; above ${inlineBytesMax} bytes it is written in chunks, and put as a manifest`,
    );
  }
  checkAttributes(attributes);
  const etag = etagOf(content);
  if (request.etag.byteLength > 0 && !sameBytes(request.etag, etag)) {
    throw invalid(
      "the content does not match its SHA-256: it was damaged on the way, or the etag is another content's",
    );
  }
  return {
    ...mutationTerms(request.mutation, random),
    intent: { kind: "put", size, etag, content: { kind: "inline", bytes: content }, attributes },
  };
}

function largePutTerms(request: PutRequest, random: Random): PutTerms {
  const { content, etag, size, attributes } = request;
  if (content.byteLength > 0) throw invalid("a file has content or a manifest, not both");
  if (etag.byteLength !== etagBytes) throw invalid("with a manifest comes the SHA-256 of the whole file, as etag");
  checkAttributes(attributes);
  if (!request.mutation || request.mutation.requestId.byteLength === 0) {
    throw invalid("with a manifest comes a request id, by which its upload is named");
  }
  // Chunks go on the strength of it that a mutation is applied once, whatever its caller says of itself.
  const terms = { ...mutationTerms(request.mutation, random), mayBeRepeated: true };
  const manifest = manifestOf(request.manifest, size);
  checkUploads(manifest, terms);
  const bytes = request.manifest;
  return { ...terms, manifest, intent: { kind: "put", size, etag, content: { kind: "manifest", bytes }, attributes } };
}

function manifestOf(bytes: Uint8Array, size: number): Manifest {
  if (bytes.byteLength > manifestBytesMax) {
    throw invalid(`the manifest has ${bytes.byteLength} bytes; above ${manifestBytesMax} its extents go into pages`);
  }
  try {
    const manifest = decodeManifest(bytes);
    checkManifest(manifest, size);
    return manifest;
  } catch (thrown) {
    const { message } = QuorumError.from(thrown);
    throw new QuorumError({ code: "invalid_argument", message, cause: thrown });
  }
}

export function deleteTerms(request: DeleteRequest, random: Random): MutationTerms {
  const terms = mutationTerms(request.mutation, random);
  if (terms.condition.kind === "absent") throw invalid("a file that is absent cannot be deleted; leave out if_absent");
  return terms.condition.kind === "none" ? { ...terms, condition: { kind: "exists" } } : terms;
}

function mutationTerms(message: MutationMessage | undefined, random: Random): MutationTerms {
  const { requestId, mayHaveRun = false, mayBeRepeated = false, seenVersion = 0, condition } = message ?? {};
  if (requestId !== undefined && requestId.byteLength !== 0 && requestId.byteLength !== requestIdBytes) {
    throw invalid(`a request id has ${requestIdBytes} bytes, got ${requestId.byteLength}`);
  }
  const isNamed = requestId !== undefined && requestId.byteLength > 0;
  if (mayHaveRun && !isNamed) throw invalid("a repeated request must carry the request id of its first attempt");
  const wanted = conditionOf(condition);
  return {
    condition: wanted,
    // A copy: the original is a view into its whole message, and the id stays with the file.
    requestId: isNamed ? new Uint8Array(requestId) : random.bytes(requestIdBytes),
    mayHaveRun,
    mayBeRepeated,
    // Who asks for a version knows it, and no attempt can have made one below.
    seenVersion: wanted.kind === "version" ? Math.max(seenVersion, wanted.counter) : seenVersion,
  };
}

function conditionOf(message: ConditionMessage | undefined): Condition {
  const test = message?.test;
  switch (test?.$case) {
    case undefined:
      return { kind: "none" };
    case "ifVersion":
      if (test.value === 0) throw invalid("no file has version 0; to ask that there be none, use if_absent");
      return { kind: "version", counter: test.value };
    case "ifAbsent":
      return { kind: test.value ? "absent" : "exists" };
    case "ifMatch":
      if (test.value.byteLength !== etagBytes) throw invalid(`an etag has ${etagBytes} bytes`);
      return { kind: "etag", etag: test.value };
  }
}

/** @throws QuorumError `invalid_argument` */
export function checkOperationId(operationId: Uint8Array): Uint8Array {
  if (operationId.byteLength === 0 || operationId.byteLength === requestIdBytes) return operationId;
  throw invalid(`an operation id has ${requestIdBytes} bytes, got ${operationId.byteLength}`);
}

export function checkFile(request: { readonly bucket: string; readonly path: string }): void {
  checkBucketName(request.bucket);
  checkPath(request.path);
}

export function consistencyOf(consistency: Consistency): "linearizable" | "relaxed" {
  switch (consistency) {
    case Consistency.CONSISTENCY_UNSPECIFIED:
    case Consistency.CONSISTENCY_LINEARIZABLE:
      return "linearizable";
    case Consistency.CONSISTENCY_RELAXED:
      return "relaxed";
    case Consistency.UNRECOGNIZED:
    default:
      throw invalid("this consistency is not known here; use linearizable or relaxed");
  }
}

export function listQuery(request: ListRequest): ListQuery {
  checkBucketName(request.bucket);
  const limit = request.limit === 0 ? listLimitDefault : request.limit;
  if (limit > listLimitMax) throw invalid(`a page has at most ${listLimitMax} items, ${limit} were asked for`);
  return {
    prefix: checkPrefix(request.prefix),
    delimiter: checkPrefix(request.delimiter),
    after: checkPrefix(request.after),
    limit,
  };
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
