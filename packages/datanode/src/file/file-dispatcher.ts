/**
 * Every file operation, whether it came as a call of its own or in a session: checked, let in, coordinated, answered.
 */
import { type Clock, type Log, QuorumError, type Random, AssertionError, inlineBytesMax } from "@quorumfs/core";
import type {
  DeleteRequest,
  FileRequest,
  FileResponse,
  GetRequest,
  ListRequest,
  PutRequest,
  StatRequest,
} from "@quorumfs/proto";
import type { Admission, Caller, OperationKind, Visit } from "../admission.js";
import type { Buckets } from "../cluster/buckets.js";
import type { BucketView } from "../cluster/cluster-view.js";
import type { FileChanges } from "../content/file-changes.js";
import type { CancelOperation, Coordinator, Done, Found } from "../coordinator/coordinator.js";
import type { Follower } from "../follow/follower.js";
import { type OperationLog, slowOperationMs } from "../follow/operation-log.js";
import type { Lister } from "../list/lister.js";
import type { HotFiles } from "../observe/hot-files.js";
import { type MeteredKind, type OperationMeter, outcomeOf } from "../observe/operation-meter.js";
import { Hex } from "./hex.js";
import { checkFile, checkOperationId, consistencyOf, deleteTerms, listQuery, putTerms } from "./requests.js";
import { fileInfo, voteOf } from "./responses.js";

export type FileOperationMessage = Exclude<NonNullable<FileRequest["operation"]>, { $case: "cancel" }>;
export type FileResult = Exclude<NonNullable<FileResponse["result"]>, { $case: "error" }>;

/** What a caller that names none gets: far more than a healthy cluster needs. */
export const timeoutMsDefault = 10_000;
/** Nobody waits longer, and what waits takes room. */
export const timeoutMsMax = 60_000;

export interface FileDispatcherOptions {
  readonly coordinator: Coordinator;
  readonly changes: FileChanges;
  readonly lister: Lister;
  readonly buckets: Buckets;
  readonly admission: Admission;
  /** Undefined: nothing is counted. */
  readonly meter: OperationMeter | undefined;
  readonly hotFiles: HotFiles;
  readonly operations: OperationLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const noBytes = new Uint8Array(0);

/** Who asks, and how long that one waits. */
export interface CallTerms {
  /** 0 for the default. */
  readonly timeoutMs: number;
  readonly caller: Caller;
  /** The client's name for a read, 16 bytes, for the logs of all nodes; empty: none. A mutation has its request id. */
  readonly operationId: Uint8Array;
  readonly follower: Follower | undefined;
}

const kindOf = {
  put: "write",
  delete: "write",
  get: "read",
  stat: "read",
  list: "list",
} as const satisfies Record<FileOperationMessage["$case"], OperationKind>;

/** An operation from its arrival to its end: one object of one shape, since every operation makes one and all look at it. */
class Call implements Visit {
  readonly kind: OperationKind;
  readonly caller: Caller;
  readonly atMs: number;
  readonly deadlineMs: number;
  readonly follower: Follower | undefined;
  /** By which all nodes know the operation; of a mutation that its caller did not name, once it has begun. */
  requestId: Uint8Array;
  contentBytes = 0;
  alone = false;

  constructor(kind: OperationKind, atMs: number, { timeoutMs, caller, operationId, follower }: CallTerms) {
    this.kind = kind;
    this.caller = caller;
    this.atMs = atMs;
    this.deadlineMs = atMs + Math.min(timeoutMsMax, timeoutMs === 0 ? timeoutMsDefault : timeoutMs);
    this.follower = follower;
    this.requestId = checkOperationId(operationId);
  }
}

/** What an operation is about, as it is counted. */
interface Subject {
  readonly kind: MeteredKind;
  readonly bucket: string;
  /** Undefined: no one file. */
  readonly path?: string;
}

/** Starts an operation in its bucket. */
type Begin = (bucket: BucketView) => CancelOperation;

export class FileDispatcher {
  readonly #options: FileDispatcherOptions;

  constructor(options: FileDispatcherOptions) {
    this.#options = options;
  }

  /** Runs one operation and calls `done` once, perhaps before `dispatch` returns. */
  dispatch(operation: FileOperationMessage, terms: CallTerms, done: Done<FileResult>): CancelOperation {
    try {
      return this.#start(operation, new Call(kindOf[operation.$case], this.#options.clock.nowMs(), terms), done);
    } catch (thrown) {
      done(QuorumError.from(thrown), undefined);
      return nothing;
    }
  }

  #start(operation: FileOperationMessage, call: Call, done: Done<FileResult>): CancelOperation {
    switch (operation.$case) {
      case "put":
        return this.#put(operation.value, call, done);
      case "delete":
        return this.#delete(operation.value, call, done);
      case "get":
        return this.#get(operation.value, call, done);
      case "stat":
        return this.#stat(operation.value, call, done);
      case "list":
        return this.#list(operation.value, call, done);
    }
  }

  #put(request: PutRequest, call: Call, done: Done<FileResult>): CancelOperation {
    const { path, content, manifest } = request;
    const { deadlineMs, follower } = call;
    checkFile(request);
    call.contentBytes = content.byteLength + manifest.byteLength;
    const subject = { kind: "put", bucket: request.bucket, path } as const;
    return this.#admit(subject, call, done, (bucket, settle) => {
      const terms = putTerms(request, this.#options.random);
      call.requestId = terms.requestId;
      return this.#options.changes.change({ ...terms, bucket, path, deadlineMs, follower }, (error, result) => {
        if (!result) {
          settle(named(error, terms.requestId), undefined);
          return;
        }
        const { value, version, acknowledged, place } = result;
        const { size, etag, attributes } = terms.intent;
        // Others may have written since an earlier attempt of this request: it is told of its own version.
        const own = version === value.version.counter ? value : { ...value, size, etag, attributes };
        const file = { ...fileInfo(path, own), version };
        settle(undefined, { $case: "put", value: { file, vote: voteOf(bucket, place, acknowledged) } });
      });
    });
  }

  #delete(request: DeleteRequest, call: Call, done: Done<FileResult>): CancelOperation {
    const { path } = request;
    const { deadlineMs, follower } = call;
    checkFile(request);
    const subject = { kind: "delete", bucket: request.bucket, path } as const;
    return this.#admit(subject, call, done, (bucket, settle) => {
      const terms = deleteTerms(request, this.#options.random);
      call.requestId = terms.requestId;
      const intent = { kind: "delete" } as const;
      return this.#options.changes.change({ ...terms, intent, bucket, path, deadlineMs, follower }, (error, result) => {
        if (!result) {
          settle(named(error, terms.requestId), undefined);
          return;
        }
        const vote = voteOf(bucket, result.place, result.acknowledged);
        settle(undefined, { $case: "delete", value: { version: result.version, vote } });
      });
    });
  }

  #get(request: GetRequest, call: Call, done: Done<FileResult>): CancelOperation {
    return this.#read(request, { withContent: true, call }, done, (bucket, { value, holders, place }) => {
      const file = fileInfo(request.path, value);
      const vote = voteOf(bucket, place, holders);
      switch (value.content.kind) {
        case "inline":
          return { $case: "get", value: { file, content: value.content.bytes, vote, manifest: noBytes } };
        case "manifest":
          if (!request.acceptManifest) return tooLargeToGet(request, value.size);
          return { $case: "get", value: { file, content: noBytes, vote, manifest: value.content.bytes } };
        case "omitted":
        case "none":
          throw new AssertionError("a read with content brings content");
      }
    });
  }

  #stat(request: StatRequest, call: Call, done: Done<FileResult>): CancelOperation {
    return this.#read(request, { withContent: false, call }, done, (bucket, { value, holders, place }) => {
      return { $case: "stat", value: { file: fileInfo(request.path, value), vote: voteOf(bucket, place, holders) } };
    });
  }

  #read(
    request: StatRequest,
    options: { readonly withContent: boolean; readonly call: Call },
    done: Done<FileResult>,
    resultOf: (bucket: BucketView, found: Found) => FileResult | QuorumError,
  ): CancelOperation {
    const { path } = request;
    const { withContent, call } = options;
    const { deadlineMs, requestId, follower } = call;
    checkFile(request);
    const consistency = consistencyOf(request.consistency);
    const subject = { kind: withContent ? "get" : "stat", bucket: request.bucket, path } as const;
    return this.#admit(subject, call, done, (bucket, settle) =>
      this.#options.coordinator.read(
        { bucket, path, consistency, withContent, deadlineMs, requestId, follower },
        (error, found) => {
          const result = found ? resultOf(bucket, found) : error;
          if (!result || result instanceof QuorumError) settle(result, undefined);
          else settle(undefined, result);
        },
      ),
    );
  }

  #list(request: ListRequest, call: Call, done: Done<FileResult>): CancelOperation {
    const query = listQuery(request);
    const { deadlineMs } = call;
    const subject = { kind: "list", bucket: request.bucket } as const;
    return this.#admit(subject, call, done, (bucket, settle) =>
      this.#options.lister.list({ bucket, query, deadlineMs }, (error, page) => {
        if (!page) {
          settle(error, undefined);
          return;
        }
        const files = page.files.map(({ path, value }) => fileInfo(path, value));
        const { commonPrefixes, nextAfter } = page;
        settle(undefined, { $case: "list", value: { files, commonPrefixes: [...commonPrefixes], nextAfter } });
      }),
    );
  }

  /** Lets the operation in, finds its bucket, begins, and sees it out again. */
  #admit(
    subject: Subject,
    call: Call,
    done: Done<FileResult>,
    begin: (bucket: BucketView, settle: Done<FileResult>) => CancelOperation,
  ): CancelOperation {
    const { admission, buckets } = this.#options;
    const refusal = admission.enter(call);
    if (refusal) {
      this.#count(subject, 0, { error: refusal, contentBytes: 0 });
      done(refusal, undefined);
      return nothing;
    }
    const settle: Done<FileResult> = (error, result) => {
      const tookMs = admission.leave(call);
      this.#count(subject, tookMs, { error, result, contentBytes: call.contentBytes });
      if (error || tookMs > slowOperationMs) this.#writeDown(subject, call, error, tookMs);
      done(error, result);
    };
    call.follower?.admitted();
    const beginHere: Begin = (bucket) => begin(bucket, settle);
    const bucket = buckets.named(subject.bucket);
    return bucket ? guarded(beginHere, bucket, settle) : this.#beginWhenFound(subject.bucket, beginHere, settle);
  }

  #writeDown(
    { kind, bucket, path = "" }: Subject,
    { requestId }: Call,
    error: QuorumError | undefined,
    tookMs: number,
  ): void {
    const about = { operation: kind, bucket, path, requestId };
    if (error) this.#options.operations.failed(about, error, tookMs);
    else this.#options.operations.slow(about, tookMs);
  }

  #count(
    { kind, bucket, path }: Subject,
    ms: number,
    end: { readonly error: unknown; readonly result?: FileResult | undefined; readonly contentBytes: number },
  ): void {
    const { meter, hotFiles, buckets } = this.#options;
    if (!meter) return;
    const { error, result } = end;
    const outcome = result ? "answered" : outcomeOf(QuorumError.from(error).code);
    if (outcome === undefined) return;
    // What clients make up is no bucket, and would take the place of one.
    const isBucket = buckets.named(bucket) !== undefined;
    const bytesRead = result?.$case === "get" ? result.value.content.byteLength : 0;
    const bytesWritten = result ? end.contentBytes : 0;
    meter.ended({ kind, bucket: isBucket ? bucket : "", outcome, ms, bytesRead, bytesWritten });
    if (path === undefined || !isBucket || outcome !== "answered") return;
    hotFiles.touched(bucket, path, kind === "get" || kind === "stat" ? "read" : "write");
  }

  /** For a bucket that was made a moment ago, or never. */
  #beginWhenFound(bucketName: string, begin: Begin, settle: Done<FileResult>): CancelOperation {
    let cancelled = false;
    let cancel: CancelOperation | undefined;
    this.#options.buckets.lookUp(bucketName).then(
      (bucket) => {
        if (cancelled) settle(new QuorumError({ code: "cancelled", message: "the caller gave it up" }), undefined);
        else cancel = guarded(begin, bucket, settle);
      },
      (error: unknown) => settle(QuorumError.from(error), undefined),
    );
    return () => {
      cancelled = true;
      cancel?.();
    };
  }
}

/** Errors of a mutation carry its request id, by which the logs of all nodes know it, and by which it can be repeated. */
function named(thrown: QuorumError | undefined, requestId: Uint8Array): QuorumError {
  const { code, message, details, cause } = QuorumError.from(thrown);
  return new QuorumError({ code, message, details: { ...details, requestId: new Hex(requestId).toJSON() }, cause });
}

/** A request that is refused while it begins has been let in already, and has to be seen out. */
function guarded(begin: Begin, bucket: BucketView, settle: Done<FileResult>): CancelOperation {
  try {
    return begin(bucket);
  } catch (thrown) {
    settle(QuorumError.from(thrown), undefined);
    return nothing;
  }
}

function tooLargeToGet({ path }: GetRequest, size: number): QuorumError {
  return new QuorumError({
    code: "invalid_argument",
    message:
      `${path} has ${size} bytes; what is above ${inlineBytesMax} does not come in one message: ` +
      "ask with accept_manifest and read its chunks, as the library's read does",
  });
}

function nothing(): void {}
