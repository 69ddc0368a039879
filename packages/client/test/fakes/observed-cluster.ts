import { QuorumError } from "@quorumfs/core";
import {
  type Activity,
  AdminServiceService as admin,
  type Event,
  type ListEventsRequest,
  type NodeSample,
  NodeState,
  type OperationActivity,
  type OperationKind,
  Severity,
  type WatchActivityRequest,
  type WatchEventsRequest,
} from "@quorumfs/proto";
import type { QuorumFs } from "../../src/index.js";
import { FakeCluster, superNodeAddress } from "./fake-cluster.js";

/** One message of a stream, or how it ends: undefined in order, "hang" not at all. */
export type Told = unknown;

/** A SuperNode that tells what the test says: one list of messages for each time that somebody begins to watch. */
export class ObservedCluster {
  readonly cluster = new FakeCluster();
  readonly asked: unknown[] = [];
  readonly streams: (readonly Told[])[] = [];
  /** What has happened, oldest first. */
  log: Event[] = [];

  async connect(): Promise<QuorumFs> {
    const { servers } = this.cluster.network;
    const superNode = servers.get(superNodeAddress);
    servers.set(superNodeAddress, {
      unary: async (path, request) => {
        if (path !== admin.listEvents.path) throw new Error(`not asked for: ${path}`);
        const { beforeId, limit } = request as ListEventsRequest;
        const older = this.log.filter(({ id }) => beforeId === 0 || id < beforeId).toReversed();
        return { events: older.slice(0, limit || 100), more: older.length > limit };
      },
      serverStream: (path, request, options) => {
        const other = superNode?.serverStream?.(path, request, options);
        if (path === admin.watchActivity.path || path === admin.watchEvents.path) {
          this.asked.push(request);
          return this.#tell(options.signal);
        }
        if (!other) throw new Error(`not asked for: ${path}`);
        return other;
      },
    });
    return this.cluster.connect();
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.clock.settle(promise);
  }

  get askedFor(): readonly (WatchActivityRequest & WatchEventsRequest)[] {
    return this.asked as (WatchActivityRequest & WatchEventsRequest)[];
  }

  async *#tell(signal: { addEventListener(type: "abort", then: () => void): void } | undefined) {
    for (const message of this.streams.shift() ?? [away()]) {
      if (message instanceof Error) throw message;
      if (message === "hang") {
        await new Promise<void>((resolve) => signal?.addEventListener("abort", resolve));
        throw new QuorumError({ code: "cancelled", message: "cancelled" });
      }
      yield message;
    }
  }
}

export function away(): QuorumError {
  return new QuorumError({ code: "unavailable", message: "connection lost" });
}

export async function take<T>(source: AsyncIterable<T>, count: number): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of source) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

export function eventOf(id: number, event: Partial<Event> = {}): Event {
  return {
    id,
    atMs: id * 1000,
    kind: "node.joined",
    severity: Severity.SEVERITY_INFO,
    node: 0,
    message: `event ${id}`,
    fields: new Map(),
    ...event,
  };
}

export function operationsOf(kind: OperationKind, operations: Partial<OperationActivity>): OperationActivity {
  return { kind, answered: 0, failed: 0, refused: 0, latencyCounts: [], ...operations };
}

export function activityOf(activity: Partial<Activity>): Activity {
  return {
    spanMs: 1000,
    operations: [],
    buckets: [],
    hotFiles: [],
    chunkBytesRead: 0,
    chunkBytesWritten: 0,
    ...activity,
  };
}

export function nodeOf(
  node: number,
  activity: Partial<Activity> | undefined,
  state: NodeState = NodeState.NODE_STATE_UP,
): NodeSample {
  return { node, state, load: undefined, activity: activity && activityOf(activity) };
}
