/**
 * Carries changes of the layout out: looks every little while at what is there and what is wanted, and publishes the next
 * step. It keeps nothing that a restart would miss: what has been published says how far things are, DataNodes say again
 * with every beat what they hold, and a step that was cut off is either in the store or not made.
 */
import { type CancelTimer, type Clock, type Log, type NodeId, QuorumError } from "@quorumfs/core";
import type { LayoutChange } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { layoutToWire } from "../cluster/layout-wire.js";
import type { Notice } from "../events/event-log.js";
import type { OneAtATime } from "../one-at-a-time.js";
import { Absences } from "./absences.js";
import { type Change, isUnderWay } from "./change.js";
import { departures, type Departures } from "./departures.js";
import type { LayoutChanges } from "./layout-changes.js";
import { nextStep, type Step } from "./next-step.js";
import { Obstruction } from "./obstruction.js";
import { Pace } from "./pace.js";
import { bytesPerPartition, makePlan } from "./planning.js";
import { changeToWire } from "./progress.js";
import { replacementDue } from "./replacement.js";

/** While a change is under way: half of the beats' interval, so that what a beat says is acted upon soon. */
const busyMs = 250;

/** Else: what is looked for is who is away, and that is a matter of minutes. */
const idleMs = 1000;

export interface LayoutDriverOptions {
  readonly state: ClusterState;
  readonly layoutChanges: LayoutChanges;
  /** Shared by all who change the cluster. */
  readonly changes: OneAtATime;
  /** A DataNode that is down for so long is replaced; 0: never. */
  readonly deadAfterMs: number;
  readonly notice: Notice;
  readonly clock: Clock;
  readonly log: Log;
}

export class LayoutDriver {
  readonly #options: LayoutDriverOptions;
  readonly #absences = new Absences();
  readonly #pace = new Pace();
  readonly #obstruction = new Obstruction();
  #cancel: CancelTimer | undefined;
  #isClosed = false;
  #publishedAtMs = -Infinity;
  #obstacles: readonly string[] = [];
  #remaining: { readonly change: number; readonly ms: number | undefined } | undefined;
  /** What was logged last as standing in the way: each trouble is told once. */
  #told = "";

  constructor(options: LayoutDriverOptions) {
    this.#options = options;
  }

  /** Whether a change has got no further for a while. */
  get isStuck(): boolean {
    return this.#obstruction.isTold;
  }

  start(): void {
    this.#arm(0);
  }

  /** Something was begun or stopped. */
  wake(): void {
    if (this.#cancel) this.#arm(0);
  }

  /** Somebody has stopped a change: who was planned out by it because it was away is left alone until it has been back. */
  leaveAlone({ without }: Change): void {
    this.#absences.excuse(without);
  }

  /** Idempotent. What was begun is stored, and goes on at the next start. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  /** For people; `change` as it is stored. */
  describe(change: Change): LayoutChange {
    const { state } = this.#options;
    const remainingMs = this.#remaining?.change === change.id ? this.#remaining.ms : undefined;
    const obstacles = isUnderWay(change) ? this.#obstacles : [];
    return changeToWire(change, { layout: state.layout, targets: state.targets, remainingMs, obstacles });
  }

  #arm(delayMs: number): void {
    this.#cancel?.();
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(delayMs, () => {
      // Until this look is over nobody may wake another one.
      this.#cancel = undefined;
      this.#look()
        .catch((error: unknown) => this.#tell("layout.step-failed", QuorumError.from(error).message))
        .finally(() => this.#arm(this.#options.state.change ? busyMs : idleMs));
    });
  }

  async #look(): Promise<void> {
    const { state, changes, clock } = this.#options;
    const away = state.members.filter(({ id }) => state.healthOf(id) === "down").map(({ id }) => id);
    this.#absences.look(away, clock.nowMs());
    if (!state.layout) return;
    await changes.run(async () => {
      if (this.#isClosed) return;
      await this.#replaceTheDead();
      await this.#step();
    });
  }

  async #replaceTheDead(): Promise<void> {
    const { state, layoutChanges, deadAfterMs, notice } = this.#options;
    const { layout, targets, change, members } = state;
    if (deadAfterMs === 0 || !layout) return;
    const dead = this.#absences.longerThan(deadAfterMs);
    const healthOf = (id: NodeId) => state.healthOf(id);
    const isLeftAlone = (id: NodeId) => this.#absences.isExcused(id);
    const deadAfter = duration(deadAfterMs);
    const due = replacementDue({ layout, targets, change, members, healthOf, dead, isLeftAlone, deadAfter });
    switch (due.kind) {
      case "none":
        return;
      case "too-few":
        if (this.#tell("layout.no-replacement", due.reason)) notice("layout.obstructed", due.reason);
        return;
      case "stop":
        if (change) await layoutChanges.stopWith(change, due.reason);
        return;
      case "replan": {
        const { reason, without, replacements, from, automatic } = due;
        const wish = { changes: [], without, replacements, from, rebalance: false, holdersOnly: true };
        const change = await layoutChanges.begin(makePlan(layoutChanges.view(), wish), { reason, automatic, without });
        if (!automatic) return;
        notice("layout.replacing", reason, { fields: { change: change.id, without: without.join(" ") } });
      }
    }
  }

  async #step(): Promise<void> {
    const { state, layoutChanges, clock } = this.#options;
    const { layout, targets, change } = state;
    if (!layout) return;
    const leaving = await this.#letGo();
    const step = this.#nextStep();
    if (change && step) {
      const { id } = change;
      const { remaining } = step;
      this.#remaining = { change: id, ms: this.#pace.remainingMs({ change: id, nowMs: clock.nowMs(), remaining }) };
    }
    this.#obstacles = [
      ...(step?.obstacles ?? []),
      ...this.#obstaclesOfNodes(),
      ...leaving.pending.map(({ obstacle }) => obstacle),
    ];
    this.#tellObstacles(change, step);
    if (step?.layout) {
      await this.#publish(change, step, step.layout);
      return;
    }
    if (!change || !step || !targets) return;
    if (change.state === "stopping" && step.moving === 0) await layoutChanges.end(change, "stopped");
    else if (step.remaining === 0 && leaving.pending.length === 0) await layoutChanges.end(change, "done");
  }

  async #publish(change: Change | undefined, step: Step, layout: NonNullable<Step["layout"]>): Promise<void> {
    const { layoutChanges, clock, log } = this.#options;
    await layoutChanges.publish(change, { layout: layoutToWire(layout) });
    this.#publishedAtMs = clock.nowMs();
    const { begun, ended, turned, moving, remaining } = step;
    log.info("layout.published", {
      layout: layout.number,
      change: change?.id,
      begun,
      ended,
      turned,
      moving,
      remaining,
    });
  }

  #tellObstacles(change: Change | undefined, step: Step | undefined): void {
    const { clock, notice } = this.#options;
    const seen = change && { change: change.id, obstacles: this.#obstacles, progress: step?.remaining ?? 0 };
    const obstacles = this.#obstruction.look(seen, clock.nowMs());
    if (!change || !obstacles) return;
    const [first = "", ...others] = obstacles;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    const fields = { change: change.id, obstacles: obstacles.length };
    notice("layout.obstructed", `${change.reason}: ${first}${more}`, { fields });
  }

  /** Undefined while nothing is under way. */
  #nextStep(): Step | undefined {
    const { state, clock } = this.#options;
    const { layout, targets, change } = state;
    const isJoint = layout?.partitions.some(({ joining }) => joining.length > 0) ?? false;
    if (!layout || (!change && !isJoint)) return undefined;
    return nextStep({
      layout,
      targets: targets ?? [],
      stopping: change?.state !== "moving",
      healthOf: (id) => state.healthOf(id),
      roleOf: (id) => state.member(id)?.role,
      hasSynced: (id, partition, number) => state.hasSynced(id, partition, number),
      hasLearned: (id, number) => state.hasLearned(id, number),
      freeBytes: (id) => state.loadOf(id)?.diskFreeBytes,
      partitionBytes: bytesPerPartition({ layout, loadOf: (id) => state.loadOf(id) }),
      quorums: state.buckets.map(({ readQuorum, writeQuorum }) => ({ read: readQuorum, write: writeQuorum })),
      sincePublishedMs: clock.nowMs() - this.#publishedAtMs,
    });
  }

  /** Lets those leave who have nothing left. */
  async #letGo(): Promise<Departures> {
    const { state, clock, notice, log } = this.#options;
    const { layout, targets, change, members } = state;
    if (!layout) return { ready: [], pending: [] };
    const found = departures({
      layout,
      targets: change?.state === "moving" ? targets : undefined,
      members,
      healthOf: (id) => state.healthOf(id),
      loadOf: (id) => state.loadOf(id),
      hasLearned: (id, number) => state.hasLearned(id, number),
    });
    const leftAtMs = clock.wallMs();
    const retired = found.ready
      .filter(({ role }) => role === "leaving" || role === "lost")
      .map(({ id, storeId }) => ({ id, storeId, leftAtMs }));
    if (retired.length > 0) {
      await state.apply({ retired });
      for (const { id } of retired) {
        log.info("node.left", { node: id });
        notice("node.left", `DataNode ${id} is no member any more`, { node: id });
      }
    }
    return found;
  }

  /** What the nodes that take over say stands in their way. */
  #obstaclesOfNodes(): readonly string[] {
    const { state } = this.#options;
    return state.members.flatMap(({ id }) => {
      const { joiningPartitions = 0, obstacle = "" } = state.loadOf(id)?.sync ?? {};
      return joiningPartitions > 0 && obstacle !== "" ? [`DataNode ${id}: ${obstacle}`] : [];
    });
  }

  /** @returns whether it is another trouble than the last one */
  #tell(event: string, reason: string): boolean {
    if (this.#told === reason) return false;
    this.#told = reason;
    this.#options.log.warn(event, { reason });
    return true;
  }
}

/** `15 minutes`, `90 s`. */
function duration(ms: number): string {
  const minutes = ms / 60_000;
  if (Number.isInteger(minutes)) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return `${Math.round(ms / 100) / 10} s`;
}
