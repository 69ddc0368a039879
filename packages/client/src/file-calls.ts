/** Single calls about files: names and options in, one operation each, results back. */
import { type Manifest, checkManifest, parseFileName, QuorumError } from "@quorumfs/core";
import type { Mutation } from "@quorumfs/proto";
import { decodeManifest } from "@quorumfs/runtime/lean";
import type { ClusterView } from "./cluster/cluster-view.js";
import type { Follower } from "./follow/follower.js";
import type { DeleteResult, FileInfo, PutResult, StatResult, VoteInfo } from "./file-info.js";
import { type Answer, Operation, type Request } from "./operation/operation.js";
import type { Surroundings } from "./operation/surroundings.js";
import type { ReadOptions } from "./options.js";
import { checkTimeout } from "./options.js";
import type { SeenVersions } from "./retry/seen-versions.js";
import { fromConsistency, required, sha256, toFileInfo, toHex, toVoteInfo, verifiedContent } from "./wire.js";

/** What a put stores: the bytes, or where they are. */
export type PutBody =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "manifest"; readonly bytes: Uint8Array; readonly size: number; readonly etag: Uint8Array };

export interface PutCall {
  readonly body: PutBody;
  readonly attributes: Map<string, string>;
  readonly mutation: Mutation;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** As `OperationSpec.mend`. */
  readonly mend?: () => Promise<boolean>;
  readonly follower?: Follower | undefined;
}

/** Of a read, and who goes along with it. */
export type ReadCall = ReadOptions & { readonly follower?: Follower | undefined };

/** A version of a file, with its bytes or with where they are. */
export type FoundFile = VoteInfo & { readonly file: FileInfo } & (
    { readonly kind: "inline"; readonly bytes: Uint8Array } | { readonly kind: "manifest"; readonly manifest: Manifest }
  );

export interface FileCallsOptions {
  readonly surroundings: Surroundings;
  readonly seen: SeenVersions;
  /** @throws QuorumError `unavailable` while the cluster is forming, `cancelled` after close */
  readonly view: () => ClusterView;
}

const noBytes = new Uint8Array(0);

export class FileCalls {
  readonly #options: FileCallsOptions;

  constructor(options: FileCallsOptions) {
    this.#options = options;
  }

  put(name: string, call: PutCall): Promise<PutResult> {
    const { body, attributes, mutation, timeoutMs, signal, mend, follower } = call;
    const { bucket, path } = parseFileName(name);
    const { bucketId, replicas } = this.#place(bucket, path);
    const value =
      body.kind === "inline"
        ? { content: body.bytes, etag: sha256(body.bytes), manifest: noBytes, size: 0 }
        : { content: noBytes, etag: body.etag, manifest: body.bytes, size: body.size };
    return this.#run({
      verb: "put",
      name,
      request: { $case: "put", value: { bucket, path, attributes, mutation, ...value } },
      replicas,
      requestId: toHex(mutation.requestId),
      prepare: () => this.#tellSeen(name, bucketId, mutation),
      timeoutMs,
      signal,
      mend,
      follower,
      read: (answer) => {
        const { file, vote } = expect(answer, "put").value;
        const info = toFileInfo(bucket, required(file, "file"));
        this.#note(name, bucketId, info.version);
        const { acknowledged, replicas, durability } = toVoteInfo(vote);
        return { file: info, acknowledged, replicas, durability };
      },
    });
  }

  /** Content in the record is checked against its SHA-256; a manifest against its checksum and the file's size. */
  get(name: string, options: ReadCall): Promise<FoundFile> {
    const { bucket, path } = parseFileName(name);
    const { bucketId, replicas } = this.#place(bucket, path);
    const consistency = fromConsistency(options.consistency);
    return this.#run<FoundFile>({
      verb: "get",
      name,
      request: { $case: "get", value: { bucket, path, consistency, acceptManifest: true } },
      replicas,
      timeoutMs: checkTimeout(options.timeoutMs),
      signal: options.signal,
      follower: options.follower,
      read: (answer) => {
        const response = expect(answer, "get").value;
        const file = toFileInfo(bucket, required(response.file, "file"));
        const { acknowledged, replicas, durability } = toVoteInfo(response.vote);
        this.#note(name, bucketId, file.version);
        if (response.manifest.length === 0) {
          const bytes = verifiedContent(file, response.content);
          return { kind: "inline", bytes, file, acknowledged, replicas, durability };
        }
        const manifest = decodeManifest(response.manifest);
        checkManifest(manifest, file.size);
        return { kind: "manifest", manifest, file, acknowledged, replicas, durability };
      },
    });
  }

  stat(name: string, options: ReadCall): Promise<StatResult> {
    const { bucket, path } = parseFileName(name);
    const { bucketId, replicas } = this.#place(bucket, path);
    const consistency = fromConsistency(options.consistency);
    return this.#run({
      verb: "stat",
      name,
      request: { $case: "stat", value: { bucket, path, consistency } },
      replicas,
      timeoutMs: checkTimeout(options.timeoutMs),
      signal: options.signal,
      follower: options.follower,
      read: (answer) => {
        const { file, vote } = expect(answer, "stat").value;
        const info = toFileInfo(bucket, required(file, "file"));
        this.#note(name, bucketId, info.version);
        return { file: info, ...toVoteInfo(vote) };
      },
    });
  }

  delete(name: string, call: Pick<PutCall, "mutation" | "timeoutMs" | "signal" | "follower">): Promise<DeleteResult> {
    const { mutation, timeoutMs, signal, follower } = call;
    const { bucket, path } = parseFileName(name);
    const { bucketId, replicas } = this.#place(bucket, path);
    return this.#run({
      verb: "delete",
      name,
      request: { $case: "delete", value: { bucket, path, mutation } },
      replicas,
      requestId: toHex(mutation.requestId),
      prepare: () => this.#tellSeen(name, bucketId, mutation),
      timeoutMs,
      signal,
      follower,
      read: (answer) => {
        const { version, vote } = expect(answer, "delete").value;
        this.#note(name, bucketId, version);
        return { version, ...toVoteInfo(vote) };
      },
    });
  }

  #place(
    bucket: string,
    path: string,
  ): { readonly bucketId: number | undefined; readonly replicas: readonly number[] } {
    const view = this.#options.view();
    const bucketId = view.bucketId(bucket);
    return { bucketId, replicas: view.replicasOf(bucketId, path) };
  }

  #tellSeen(name: string, bucketId: number | undefined, mutation: Mutation): void {
    if (bucketId !== undefined) mutation.seenVersion = this.#options.seen.get(name, bucketId);
  }

  #note(name: string, bucketId: number | undefined, version: number): void {
    if (bucketId !== undefined) this.#options.seen.note(name, bucketId, version);
  }

  #run<Result>(spec: ConstructorParameters<typeof Operation<Result>>[0]): Promise<Result> {
    return new Operation(spec, this.#options.surroundings).run();
  }
}

type AnswerTo<Case extends Request["$case"]> = Extract<Answer, { $case: Case }>;

/** @throws QuorumError `internal` if it is the answer to something else */
export function expect<Case extends Request["$case"]>(answer: Answer, kind: Case): AnswerTo<Case> {
  if (isAnswerTo(answer, kind)) return answer;
  throw new QuorumError({ code: "internal", message: `asked for ${kind}, a DataNode answered ${answer.$case}` });
}

function isAnswerTo<Case extends Request["$case"]>(answer: Answer, kind: Case): answer is AnswerTo<Case> {
  return answer.$case === kind;
}
