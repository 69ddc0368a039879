import { QuorumError } from "@quorumfs/core";
import type { LayoutChange, LayoutInfo, LayoutPlan, NodeChange } from "../../src/layout-info.js";
import type { ApplyLayoutOptions, OperationOptions } from "../../src/options.js";
import type { Layout } from "../../src/quorumfs.js";

export const plan: LayoutPlan = {
  baseLayout: 7,
  moves: [
    { partition: 3, from: [1, 2, 3], to: [1, 2, 4] },
    { partition: 8, from: [1, 2, 3], to: [4, 2, 3] },
  ],
  transfers: [
    { node: 1, partitionsBefore: 1024, partitionsAfter: 1023, bytesIn: 0, bytesOut: 2048 },
    { node: 4, partitionsBefore: 0, partitionsAfter: 2, bytesIn: 4096, bytesOut: 0 },
  ],
  unevennessBefore: 0.333,
  unevennessAfter: 0.012,
  estimatedMs: 90_000,
  warnings: ["node 3 is down"],
};

export function changeOf(change: Partial<LayoutChange> = {}): LayoutChange {
  return {
    id: 5,
    state: "moving",
    reason: "node 4 joins",
    startedAt: new Date(0),
    endedAt: undefined,
    firstLayout: 7,
    lastLayout: 7,
    movesTotal: 2,
    movesDone: 0,
    moving: 1,
    bytesTotal: 4096,
    remainingMs: 20_000,
    obstacles: [],
    ...change,
  };
}

export const done = changeOf({
  state: "done",
  endedAt: new Date(61_000),
  lastLayout: 9,
  movesDone: 2,
  moving: 0,
  remainingMs: undefined,
});

/** A layout that changes as the test says. */
export class MemoryLayout implements Layout {
  readonly applied: { readonly changes: readonly NodeChange[]; readonly baseLayout: number | undefined }[] = [];
  /** What `plan` answers. */
  planned: LayoutPlan = plan;
  /** What is under way, if anything. */
  change: LayoutChange | undefined;
  /** What those who watch see; without an end, the last one stays. */
  steps: readonly LayoutChange[] = [done];
  past: readonly LayoutChange[] = [done];

  async show(): Promise<LayoutInfo> {
    const share = { partitions: 1024, preferred: 341, idealPartitions: 1000 };
    return {
      number: 7,
      shares: [
        { node: 1, ...share },
        { node: 2, ...share, idealPartitions: 0 },
      ],
      unevenness: 0.024,
      change: this.change,
    };
  }

  async partitions(): Promise<never[]> {
    return [];
  }

  async plan(): Promise<LayoutPlan> {
    return this.planned;
  }

  async apply(changes: readonly NodeChange[] = [], { baseLayout }: ApplyLayoutOptions = {}) {
    this.applied.push({ changes, baseLayout });
    return this.planned.moves.length === 0 ? undefined : changeOf();
  }

  async stop() {
    return this.change && changeOf({ ...this.change, state: "stopping" });
  }

  async *watch({ signal }: OperationOptions = {}): AsyncGenerator<LayoutChange> {
    for (const step of this.steps) {
      if (signal?.aborted) throw new QuorumError({ code: "cancelled", message: "given up" });
      yield step;
    }
  }

  async history() {
    return this.past;
  }

  drain(): never {
    throw new Error("the command line plans before it applies");
  }

  activate(): never {
    throw new Error("the command line plans before it applies");
  }

  remove(): never {
    throw new Error("the command line plans before it applies");
  }

  replace(): never {
    throw new Error("the command line plans before it applies");
  }
}
