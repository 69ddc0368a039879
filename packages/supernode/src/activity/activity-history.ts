/**
 * The last quarter of an hour of the cluster, second by second, in memory: a SuperNode that starts anew begins with none. What the
 * DataNodes' beats say within a second is added up; at its end it becomes a sample, for all who watch the same one.
 */
import type { CancelTimer, Clock, NodeId } from "@quorumfs/core";
import { type Activity, ActivitySample, type Load, type Node, type NodeSample } from "@quorumfs/proto";
import { News } from "../news.js";
import { addActivity } from "./add-activity.js";
import { boundedActivity } from "./activity-bounds.js";

export const historySecondsMax = 900;

const sampleMs = 1000;

/**
 * Of the whole history, encoded: what fits one message of a watch. A busy DataNode takes some 240 bytes a second, so there is a
 * quarter of an hour of 14 of them, and a shorter time of more.
 */
const historyBytesMax = 3 * 1024 * 1024;

export interface ActivityHistoryOptions {
  /** All members with their loads as they are now. */
  readonly nodes: () => readonly Node[];
  readonly clock: Clock;
}

export class ActivityHistory {
  /** Tells of every sample. */
  readonly sampled = new News();
  readonly #options: ActivityHistoryOptions;
  /** What came since the last sample. */
  #heard = new Map<number, { readonly load: Load | undefined; readonly activity: Activity | undefined }>();
  /** Oldest first, encoded: as objects they take ten times the room. */
  readonly #history: Uint8Array[] = [];
  #historyBytes = 0;
  #latest: ActivitySample | undefined;
  #count = 0;
  #dueMs: number;
  #cancel: CancelTimer | undefined;

  constructor(options: ActivityHistoryOptions) {
    this.#options = options;
    this.#dueMs = options.clock.nowMs() + sampleMs;
    this.#arm();
  }

  /** The newest sample, whole; undefined in the first second. */
  get latest(): ActivitySample | undefined {
    return this.#latest;
  }

  /** How many samples there were since the start. */
  get count(): number {
    return this.#count;
  }

  /** A DataNode has beaten. */
  heard(node: NodeId, beat: { readonly load: Load | undefined; readonly activity: Activity | undefined }): void {
    const before = this.#heard.get(node);
    const activity = beat.activity && addActivity(before?.activity, boundedActivity(beat.activity));
    this.#heard.set(node, { load: beat.load ?? before?.load, activity: activity ?? before?.activity });
  }

  /** The last seconds, oldest first; without hot files, buckets, and the details of loads. */
  last(seconds: number): ActivitySample[] {
    if (seconds <= 0) return [];
    return this.#history.slice(-seconds).map((bytes) => ActivitySample.decode(bytes));
  }

  /** Idempotent. */
  close(): void {
    this.#cancel?.();
    this.sampled.announce();
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#cancel = clock.after(Math.max(1, this.#dueMs - clock.nowMs()), () => {
      this.#sample();
      // Seconds that this process slept through are left out.
      this.#dueMs = Math.max(this.#dueMs + sampleMs, clock.nowMs() + sampleMs / 2);
      this.#arm();
    });
  }

  #sample(): void {
    const { nodes, clock } = this.#options;
    const heard = this.#heard;
    this.#heard = new Map();
    const sample: ActivitySample = {
      atMs: clock.wallMs(),
      nodes: nodes().map(({ id, state }) => {
        const { load, activity } = heard.get(id) ?? {};
        return { node: id, state, load, activity };
      }),
    };
    this.#latest = sample;
    this.#count += 1;
    this.#keep(ActivitySample.encode({ ...sample, nodes: sample.nodes.map(forHistory) }).finish());
    this.sampled.announce();
  }

  #keep(bytes: Uint8Array): void {
    this.#history.push(bytes);
    this.#historyBytes += bytes.length;
    while (this.#history.length > historySecondsMax || this.#historyBytes > historyBytesMax) {
      this.#historyBytes -= this.#history.shift()?.length ?? 0;
    }
  }
}

function forHistory({ load, activity, ...rest }: NodeSample): NodeSample {
  return {
    ...rest,
    load: load && { ...load, damage: undefined, sync: undefined },
    activity: activity && { ...activity, buckets: [], hotFiles: [] },
  };
}
