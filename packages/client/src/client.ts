import {
  checkBucketName,
  checkPrefix,
  type Clock,
  type Log,
  type Network,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import type { Tracer } from "@quorumfs/telemetry/lean";
import { AdminServiceService, type ListResponse } from "@quorumfs/proto";
import { watchActivity } from "./activity.js";
import type { ActivitySample } from "./activity-info.js";
import { bucketsOf } from "./buckets.js";
import { checkupOf } from "./checkup.js";
import { ClusterWatch } from "./cluster/cluster-watch.js";
import type { ClusterView } from "./cluster/cluster-view.js";
import { Control } from "./cluster/control.js";
import type { ClusterStatus, NodeInfo, StateQuery } from "./cluster-info.js";
import type { ClusterEvent, EventPage } from "./event-info.js";
import { listEvents, watchEvents } from "./events.js";
import { explainFile } from "./explain.js";
import type { Explanation } from "./explain-info.js";
import { expect, FileCalls } from "./file-calls.js";
import type {
  DeleteResult,
  FileContent,
  GetResult,
  ListEntry,
  PutResult,
  ReadResult,
  StatResult,
} from "./file-info.js";
import { layoutOf } from "./layout.js";
import { entriesOf, pagesAhead } from "./listing.js";
import { AbortListeners } from "./operation/abort-listeners.js";
import { Departures } from "./operation/departures.js";
import { FileTurns } from "./operation/file-turns.js";
import { Follower } from "./follow/follower.js";
import { OperationIds } from "./follow/operation-ids.js";
import { Gate, WaitingRoom } from "./operation/gate.js";
import { Operation } from "./operation/operation.js";
import type { Surroundings } from "./operation/surroundings.js";
import {
  type ActivityOptions,
  type AppendOptions,
  callWith,
  checkTimeout,
  type DeleteOptions,
  type GetOptions,
  type ListEventsOptions,
  type ListOptions,
  type OperationOptions,
  type PutOptions,
  type ReadOptions,
  type StateOptions,
  type TraceOptions,
  type WatchEventsOptions,
} from "./options.js";
import type { Buckets, Checkup, Layout, QuorumFs, Scrub } from "./quorumfs.js";
import { attributesOf, checkPageSize, mutationOf } from "./requests.js";
import { hedgesPerRead, RetryBudget } from "./retry/retry-budget.js";
import { SeenVersions } from "./retry/seen-versions.js";
import { DataNodes } from "./routing/data-nodes.js";
import { scrubOf } from "./scrub.js";
import { stateQuery } from "./state-query.js";
import { Transfers } from "./transfer/transfers.js";
import { toClusterStatus, toHex, toNodeInfo } from "./wire.js";

export interface ClientOptions {
  readonly endpoints: readonly string[];
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tracer: Tracer;
  /** Called once when the client has closed. */
  readonly onClosed: () => void;
}

// What fits into a lane, so that a client that sends to one node only is not refused there.
const underWayMax = 1024;

/** The SDK: names and options in, operations out, results back. */
export class Client implements QuorumFs {
  readonly buckets: Buckets;
  readonly scrub: Scrub;
  readonly layout: Layout;
  readonly checkup: Checkup;
  readonly #options: ClientOptions;
  readonly #control: Control;
  readonly #watch: ClusterWatch;
  readonly #surroundings: Surroundings;
  readonly #calls: FileCalls;
  readonly #transfers: Transfers;
  #closing: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    const { clock, random, log, tracer } = options;
    this.#options = options;
    this.#control = new Control(options);
    const dataNodes = new DataNodes(options);
    const room = new WaitingRoom();
    this.#surroundings = {
      clock,
      random,
      log,
      tracer,
      ids: new OperationIds(random),
      dataNodes,
      budget: new RetryBudget(clock.nowMs()),
      hedgeBudget: new RetryBudget(clock.nowMs(), hedgesPerRead),
      gate: new Gate(underWayMax, room),
      departures: new Departures(),
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
    const view = (): ClusterView => this.#view();
    this.#calls = new FileCalls({ surroundings: this.#surroundings, seen: new SeenVersions(), view });
    this.#transfers = new Transfers({ surroundings: this.#surroundings, calls: this.#calls, view });
    this.buckets = bucketsOf(this.#control);
    this.layout = layoutOf({ control: this.#control, clock, random });
    const nodes = () => new Map([...dataNodes.targets].map(([id, { bulk }]) => [id, bulk]));
    this.scrub = scrubOf(() => {
      view();
      return nodes();
    });
    this.checkup = checkupOf({ control: this.#control, clock, nodes });
  }

  /** @throws QuorumError `unavailable` if no SuperNode answers within `timeoutMs` */
  async open(timeoutMs: number): Promise<void> {
    await this.#watch.start(timeoutMs);
  }

  async put(name: string, content: FileContent, options: PutOptions = {}): Promise<PutResult> {
    const mutation = mutationOf(name, options, this.#options.random);
    const attributes = attributesOf(options.attributes);
    const follower = this.#follow("put", name, options, mutation.requestId);
    const putting = this.#transfers.put(name, content, {
      ...options,
      timeoutMs: checkTimeout(options.timeoutMs),
      mutation,
      attributes,
      follower,
    });
    return follower ? follower.along(putting) : putting;
  }

  async append(name: string, content: FileContent, options: AppendOptions = {}): Promise<PutResult> {
    return this.#transfers.append(name, content, { ...options, timeoutMs: checkTimeout(options.timeoutMs) });
  }

  async get(name: string, options: GetOptions = {}): Promise<GetResult> {
    const follower = this.#follow("get", name, options);
    return follower
      ? follower.along(this.#transfers.get(name, { ...options, follower }))
      : this.#transfers.get(name, options);
  }

  async read(name: string, options: GetOptions = {}): Promise<ReadResult> {
    const follower = this.#follow("read", name, options);
    return this.#transfers.read(name, follower ? { ...options, follower } : options);
  }

  async stat(name: string, options: ReadOptions = {}): Promise<StatResult> {
    const follower = this.#follow("stat", name, options);
    return follower
      ? follower.along(this.#calls.stat(name, { ...options, follower }))
      : this.#calls.stat(name, options);
  }

  async delete(name: string, options: DeleteOptions = {}): Promise<DeleteResult> {
    const mutation = mutationOf(name, options, this.#options.random);
    const { signal } = options;
    const follower = this.#follow("delete", name, options, mutation.requestId);
    const timeoutMs = checkTimeout(options.timeoutMs);
    const deleting = this.#calls.delete(name, { mutation, timeoutMs, signal, follower });
    return follower ? follower.along(deleting) : deleting;
  }

  async explain(name: string, options: OperationOptions = {}): Promise<Explanation> {
    const { clock, dataNodes } = this.#surroundings;
    return explainFile({ clock, dataNodes, view: this.#view() }, name, options);
  }

  async *list(bucket: string, options: ListOptions = {}): AsyncGenerator<ListEntry, void, undefined> {
    checkBucketName(bucket);
    const limit = checkPageSize(options.pageSize);
    const timeoutMs = checkTimeout(options.timeoutMs);
    const prefix = checkPrefix(options.prefix ?? "");
    const delimiter = checkPrefix(options.delimiter ?? "");
    const fetch = (after: string): Promise<ListResponse> => {
      this.#view();
      const listing = new Operation<ListResponse>(
        {
          verb: "list",
          name: `${bucket}/${prefix}`,
          request: { $case: "list", value: { bucket, prefix, delimiter, after, limit } },
          replicas: [],
          timeoutMs,
          signal: options.signal,
          read: (answer) => expect(answer, "list").value,
        },
        this.#surroundings,
      );
      return listing.run();
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

  activity(options: ActivityOptions = {}): AsyncIterable<ActivitySample> {
    return watchActivity({ ...this.#options, control: this.#control }, options);
  }

  events(options: ListEventsOptions = {}): Promise<EventPage> {
    return listEvents(this.#control, options);
  }

  watchEvents(options: WatchEventsOptions = {}): AsyncIterable<ClusterEvent> {
    return watchEvents({ ...this.#options, control: this.#control }, options);
  }

  /** @returns undefined: nobody wants to know */
  #follow(verb: string, name: string, { trace = false }: TraceOptions, requestId?: Uint8Array): Follower | undefined {
    const { tracer, ids, clock } = this.#surroundings;
    if (!trace && !tracer.enabled) return undefined;
    const operationId = requestId ?? ids.next();
    const attributes = { "quorumfs.file": name, "quorumfs.operation_id": toHex(operationId) };
    const span = tracer.enabled ? tracer.start(verb, { role: "client", attributes }) : undefined;
    return new Follower({ clock, operationId, tells: trace, span });
  }

  /** The cluster as it is routed by. @throws QuorumError `unavailable` while it is forming, `cancelled` after close */
  #view(): ClusterView {
    if (this.#closing) throw new QuorumError({ code: "cancelled", message: "the client was closed" });
    const view = this.#watch.view;
    if (!view) throw new QuorumError({ code: "unavailable", message: "the client has not connected yet" });
    view.requireFormed();
    return view;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#transfers.close();
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
