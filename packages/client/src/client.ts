import {
  checkBucketName,
  checkPrefix,
  type Clock,
  type Log,
  type Network,
  parseFileName,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { AdminServiceService, type ListResponse } from "@quorumfs/proto";
import { bucketsOf } from "./buckets.js";
import { ClusterWatch } from "./cluster/cluster-watch.js";
import type { ClusterView } from "./cluster/cluster-view.js";
import { Control } from "./cluster/control.js";
import type { ClusterStatus, NodeInfo, StateQuery } from "./cluster-info.js";
import type { DeleteResult, GetResult, ListEntry, PutResult, StatResult } from "./file-info.js";
import { entriesOf, pagesAhead } from "./listing.js";
import { AbortListeners } from "./operation/abort-listeners.js";
import { FileTurns } from "./operation/file-turns.js";
import { Gate, WaitingRoom } from "./operation/gate.js";
import { type Answer, Operation, type OperationSpec, type Request } from "./operation/operation.js";
import type { Surroundings } from "./operation/surroundings.js";
import {
  callWith,
  checkTimeout,
  type DeleteOptions,
  type ListOptions,
  type OperationOptions,
  type PutOptions,
  type ReadOptions,
  type StateOptions,
} from "./options.js";
import type { Buckets, QuorumFs } from "./quorumfs.js";
import { attributesOf, checkPageSize, contentBytes, mutationOf } from "./requests.js";
import { RetryBudget } from "./retry/retry-budget.js";
import { SeenVersions } from "./retry/seen-versions.js";
import { DataNodes } from "./routing/data-nodes.js";
import { stateQuery } from "./state-query.js";
import {
  fromConsistency,
  required,
  sha256,
  toClusterStatus,
  toFileInfo,
  toGetResult,
  toHex,
  toNodeInfo,
  toVoteInfo,
} from "./wire.js";

export interface ClientOptions {
  readonly endpoints: readonly string[];
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called once when the client has closed. */
  readonly onClosed: () => void;
}

const noBytes = new Uint8Array(0);
// What fits into a lane, so that a client that sends to one node only is not refused there.
const underWayMax = 1024;

/** The SDK: names and options in, operations out, results back. */
export class Client implements QuorumFs {
  readonly buckets: Buckets;
  readonly #options: ClientOptions;
  readonly #control: Control;
  readonly #watch: ClusterWatch;
  readonly #seen = new SeenVersions();
  readonly #surroundings: Surroundings;
  #closing: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    const { clock, random, log } = options;
    this.#options = options;
    this.#control = new Control(options);
    const dataNodes = new DataNodes(options);
    const room = new WaitingRoom();
    this.#surroundings = {
      clock,
      random,
      log,
      dataNodes,
      budget: new RetryBudget(clock.nowMs()),
      gate: new Gate(underWayMax, room),
      turns: new FileTurns(room),
      abortListeners: new AbortListeners(),
      pausing: new Set(),
    };
    this.#watch = new ClusterWatch({
      ...options,
      control: this.#control,
      onView: (view) => dataNodes.install(view),
      onLoads: (loads) => dataNodes.updateLoads(loads),
    });
    this.buckets = bucketsOf(this.#control);
  }

  /** @throws QuorumError `unavailable` if no SuperNode answers within `timeoutMs` */
  async open(timeoutMs: number): Promise<void> {
    await this.#watch.start(timeoutMs);
  }

  async put(name: string, content: Uint8Array | string, options: PutOptions = {}): Promise<PutResult> {
    const { bucket, path } = parseFileName(name);
    const bytes = contentBytes(name, content);
    const mutation = mutationOf(name, options, this.#options.random);
    const view = this.#view();
    const bucketId = view.bucketId(bucket);
    const attributes = attributesOf(options.attributes);
    return this.#run({
      verb: "put",
      name,
      request: {
        $case: "put",
        value: { bucket, path, content: bytes, etag: sha256(bytes), attributes, mutation, manifest: noBytes, size: 0 },
      },
      replicas: view.replicasOf(bucketId, path),
      requestId: toHex(mutation.requestId),
      prepare: () => {
        if (bucketId !== undefined) mutation.seenVersion = this.#seen.get(name, bucketId);
      },
      timeoutMs: checkTimeout(options.timeoutMs),
      signal: options.signal,
      read: (answer) => {
        const { file, vote } = expect(answer, "put").value;
        const info = toFileInfo(bucket, required(file, "file"));
        if (bucketId !== undefined) this.#seen.note(name, bucketId, info.version);
        const { acknowledged, replicas, durability } = toVoteInfo(vote);
        return { file: info, acknowledged, replicas, durability };
      },
    });
  }

  async get(name: string, options: ReadOptions = {}): Promise<GetResult> {
    const { bucket, path } = parseFileName(name);
    const view = this.#view();
    const bucketId = view.bucketId(bucket);
    const consistency = fromConsistency(options.consistency);
    return this.#run({
      verb: "get",
      name,
      request: { $case: "get", value: { bucket, path, consistency, acceptManifest: false } },
      replicas: view.replicasOf(bucketId, path),
      timeoutMs: checkTimeout(options.timeoutMs),
      signal: options.signal,
      read: (answer) => {
        const result = toGetResult(bucket, expect(answer, "get").value);
        if (bucketId !== undefined) this.#seen.note(name, bucketId, result.file.version);
        return result;
      },
    });
  }

  async stat(name: string, options: ReadOptions = {}): Promise<StatResult> {
    const { bucket, path } = parseFileName(name);
    const view = this.#view();
    const bucketId = view.bucketId(bucket);
    const consistency = fromConsistency(options.consistency);
    return this.#run({
      verb: "stat",
      name,
      request: { $case: "stat", value: { bucket, path, consistency } },
      replicas: view.replicasOf(bucketId, path),
      timeoutMs: checkTimeout(options.timeoutMs),
      signal: options.signal,
      read: (answer) => {
        const { file, vote } = expect(answer, "stat").value;
        const info = toFileInfo(bucket, required(file, "file"));
        if (bucketId !== undefined) this.#seen.note(name, bucketId, info.version);
        return { file: info, ...toVoteInfo(vote) };
      },
    });
  }

  async delete(name: string, options: DeleteOptions = {}): Promise<DeleteResult> {
    const { bucket, path } = parseFileName(name);
    const mutation = mutationOf(name, options, this.#options.random);
    const view = this.#view();
    const bucketId = view.bucketId(bucket);
    return this.#run({
      verb: "delete",
      name,
      request: { $case: "delete", value: { bucket, path, mutation } },
      replicas: view.replicasOf(bucketId, path),
      requestId: toHex(mutation.requestId),
      prepare: () => {
        if (bucketId !== undefined) mutation.seenVersion = this.#seen.get(name, bucketId);
      },
      timeoutMs: checkTimeout(options.timeoutMs),
      signal: options.signal,
      read: (answer) => {
        const { version, vote } = expect(answer, "delete").value;
        if (bucketId !== undefined) this.#seen.note(name, bucketId, version);
        return { version, ...toVoteInfo(vote) };
      },
    });
  }

  async *list(bucket: string, options: ListOptions = {}): AsyncGenerator<ListEntry, void, undefined> {
    checkBucketName(bucket);
    const limit = checkPageSize(options.pageSize);
    const timeoutMs = checkTimeout(options.timeoutMs);
    const prefix = checkPrefix(options.prefix ?? "");
    const delimiter = checkPrefix(options.delimiter ?? "");
    const fetch = (after: string): Promise<ListResponse> => {
      this.#view();
      return this.#run({
        verb: "list",
        name: `${bucket}/${prefix}`,
        request: { $case: "list", value: { bucket, prefix, delimiter, after, limit } },
        replicas: [],
        timeoutMs,
        signal: options.signal,
        read: (answer) => expect(answer, "list").value,
      });
    };
    for await (const page of pagesAhead(fetch, checkPrefix(options.after ?? ""))) yield* entriesOf(bucket, page);
  }

  async nodes(options: OperationOptions = {}): Promise<readonly NodeInfo[]> {
    const { nodes } = await this.#control.ask(AdminServiceService.listNodes, {}, callWith(options));
    return nodes.map(toNodeInfo).sort((a, b) => a.id - b.id);
  }

  async status(options: OperationOptions = {}): Promise<ClusterStatus> {
    return toClusterStatus(await this.#control.ask(AdminServiceService.getStatus, {}, callWith(options)));
  }

  state(options: StateOptions = {}): StateQuery {
    return stateQuery(this.#control, options);
  }

  /** The cluster as it is routed by. @throws QuorumError `unavailable` while it is forming, `cancelled` after close */
  #view(): ClusterView {
    if (this.#closing) throw new QuorumError({ code: "cancelled", message: "the client was closed" });
    const view = this.#watch.view;
    if (!view) throw new QuorumError({ code: "unavailable", message: "the client has not connected yet" });
    view.requireFormed();
    return view;
  }

  #run<Result>(spec: OperationSpec<Result>): Promise<Result> {
    return new Operation(spec, this.#surroundings).run();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#surroundings.dataNodes.close();
    for (const operation of [...this.#surroundings.pausing]) operation.close();
    await this.#watch.close();
    this.#control.close();
    this.#options.onClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

type AnswerTo<Case extends Request["$case"]> = Extract<Answer, { $case: Case }>;

function expect<Case extends Request["$case"]>(answer: Answer, kind: Case): AnswerTo<Case> {
  if (isAnswerTo(answer, kind)) return answer;
  throw new QuorumError({ code: "internal", message: `asked for ${kind}, a DataNode answered ${answer.$case}` });
}

function isAnswerTo<Case extends Request["$case"]>(answer: Answer, kind: Case): answer is AnswerTo<Case> {
  return answer.$case === kind;
}
