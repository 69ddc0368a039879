import type { NodeId, PartitionAssignment, QuorumSettings } from "@quorumfs/core";
import type { Coverage } from "./coverage.js";
import type { EventQueue } from "./event-queue.js";

/** The rules by which the SuperNode goes on. A mutation test takes one out. */
export interface SuperNodeRules {
  /** How many of the old group must follow the joint layout before the new group is alone. */
  readonly fence: "N - min(R, W) + 1" | "R" | "none";
  /** All of the new group must have taken over. */
  readonly waitsForAll: boolean;
  /** What was taken over counts for the joint layout in which it was. */
  readonly asksForWhich: boolean;
}

export const superNodeRules: SuperNodeRules = {
  fence: "N - min(R, W) + 1",
  waitsForAll: true,
  asksForWhich: true,
};

/** What a node tells the SuperNode. */
export interface NodeReport {
  readonly node: NodeId;
  /** Number of the layout that it follows. */
  readonly follows: number;
  /** Number of the joint layout in which it holds everything by now. */
  readonly synced: number | undefined;
}

export interface SimulatedSuperNodeOptions {
  readonly first: PartitionAssignment;
  readonly quorum: QuorumSettings;
  readonly rules: SuperNodeRules;
  readonly queue: EventQueue;
  readonly coverage: Coverage;
  readonly tickMs: number;
  /** Every DataNode that can hold the file, and the others. */
  readonly nodes: readonly NodeId[];
  readonly others: readonly NodeId[];
  /** Sends the layout to a node, and brings its report back, if both arrive. */
  readonly tell: (node: NodeId) => void;
  readonly onPublished: (assignment: PartitionAssignment) => void;
}

/** Moves the one partition from group to group. What it publishes is durable; what it has heard is gone when it crashes. */
export class SimulatedSuperNode {
  readonly #options: SimulatedSuperNodeOptions;
  #published: PartitionAssignment;
  readonly #lost = new Set<NodeId>();
  #reports = new Map<NodeId, NodeReport>();
  #ticking = false;
  #awayUntilMs = 0;

  constructor(options: SimulatedSuperNodeOptions) {
    this.#options = options;
    this.#published = options.first;
  }

  get published(): PartitionAssignment {
    return this.#published;
  }

  get isMoving(): boolean {
    return this.#published.joining.length > 0;
  }

  get isAway(): boolean {
    return this.#options.queue.nowMs < this.#awayUntilMs;
  }

  /** Moves the partition to these nodes. Another move that is under way makes room for this one. */
  move(to: readonly NodeId[]): void {
    if (!this.isAway) this.#begin(to);
  }

  #begin(to: readonly NodeId[]): void {
    const joining = this.#withoutLost(to);
    const { nodes } = this.#published;
    if (!joining) return;
    if (sameMembers(joining, nodes)) {
      this.#takeBack();
      return;
    }
    this.#options.coverage.count(this.isMoving ? "layout: another move instead" : "layout: move");
    this.#publish({ nodes, joining, layout: this.#published.layout + 1 });
  }

  /** Every quorum of the joint layout was one of the old group as well: nothing is taken over, and nobody fenced. */
  #takeBack(): void {
    if (!this.isMoving) return;
    this.#options.coverage.count("layout: move taken back");
    const { nodes, layout } = this.#published;
    this.#publish({ nodes, joining: [], layout: layout + 1 });
  }

  /** The operator's word that a node never runs again; others take its place. */
  replaceLost(node: NodeId): void {
    this.#options.coverage.count("layout: member lost for good");
    this.#lost.add(node);
    const { nodes, joining } = this.#published;
    const target = this.isMoving ? joining : nodes;
    if (target.includes(node)) this.#begin(target);
  }

  #withoutLost(to: readonly NodeId[]): readonly NodeId[] | undefined {
    const spare = this.#options.nodes.filter((node) => !this.#lost.has(node) && !to.includes(node));
    const sound = to.map((node) => (this.#lost.has(node) ? spare.shift() : node));
    return sound.every((node) => node !== undefined) ? sound : undefined;
  }

  #publish(assignment: PartitionAssignment): void {
    this.#published = assignment;
    this.#options.onPublished(assignment);
    this.#tellAll();
    this.#tick();
  }

  get #everybody(): readonly NodeId[] {
    const { nodes, others } = this.#options;
    return [...nodes, ...others];
  }

  #tellAll(): void {
    for (const node of this.#everybody) this.#options.tell(node);
  }

  /** Tells everybody again and again until all of them follow. */
  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#options.queue.after(this.#options.tickMs, () => {
      this.#ticking = false;
      if (!this.isMoving && this.#everybody.every((node) => this.#isUpToDate(node))) return;
      if (!this.isAway) this.#tellAll();
      this.#tick();
    });
  }

  #isUpToDate(node: NodeId): boolean {
    return this.#lost.has(node) || (this.#reports.get(node)?.follows ?? 0) >= this.#published.layout;
  }

  /** It crashes, and forgets what it has heard. */
  crash(forMs: number): void {
    this.#options.coverage.count("SuperNode crash");
    this.#awayUntilMs = this.#options.queue.nowMs + forMs;
    this.#reports = new Map();
  }

  hear(report: NodeReport): void {
    if (this.isAway) return;
    const before = this.#reports.get(report.node);
    // Reports may overtake each other; what a node follows only grows, what it has taken over is as true as ever.
    const follows = Math.max(report.follows, before?.follows ?? 0);
    const synced = Math.max(report.synced ?? 0, before?.synced ?? 0);
    this.#reports.set(report.node, { node: report.node, follows, synced });
    if (this.isMoving && this.#isTakenOver && this.#isFenced) this.#finish();
  }

  #finish(): void {
    this.#options.coverage.count("layout: moved");
    const { joining, layout } = this.#published;
    this.#publish({ nodes: joining, joining: [], layout: layout + 1 });
  }

  get #isTakenOver(): boolean {
    const { rules, quorum } = this.#options;
    const { joining, layout } = this.#published;
    const done = joining.filter((node) => {
      const synced = this.#reports.get(node)?.synced ?? 0;
      return rules.asksForWhich ? synced === layout : synced > 0;
    });
    return done.length >= (rules.waitsForAll ? joining.length : quorum.write);
  }

  get #isFenced(): boolean {
    const { nodes, layout } = this.#published;
    const follows = (node: NodeId) => (this.#reports.get(node)?.follows ?? 0) >= layout;
    return nodes.filter((node) => this.#lost.has(node) || follows(node)).length >= this.#fence;
  }

  get #fence(): number {
    const { replicas, read, write } = this.#options.quorum;
    switch (this.#options.rules.fence) {
      case "N - min(R, W) + 1":
        return replicas - Math.min(read, write) + 1;
      case "R":
        return read;
      case "none":
        return 0;
    }
  }
}

function sameMembers(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((node) => b.includes(node));
}
