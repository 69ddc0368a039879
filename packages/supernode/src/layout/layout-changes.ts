/** Begins, stops and ends changes of the layout. Each is one commit, so that a crash leaves the one before or the one after. */
import { type Clock, type Layout, type Log, type NodeId, QuorumError } from "@quorumfs/core";
import type { ClusterState } from "../cluster/cluster-state.js";
import { requireLayout } from "../cluster/forming.js";
import type { ControlChange } from "../cluster/control-store.js";
import type { Notice } from "../events/event-log.js";
import type { SuperNodeInstruments } from "../metrics.js";
import type { OneAtATime } from "../one-at-a-time.js";
import { type Change, changesKept, type ChangeState } from "./change.js";
import { remainingIn } from "./next-step.js";
import { makePlan, type Plan, type PlanView, type PlanWish, type RoleChange } from "./planning.js";
import { reasonOf } from "./reason.js";

export interface LayoutChangesOptions {
  readonly state: ClusterState;
  /** Shared by all who change the cluster. */
  readonly changes: OneAtATime;
  readonly initialNodes: number;
  readonly notice: Notice;
  readonly instruments: Pick<SuperNodeInstruments, "layoutChanges">;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is begun besides the plan. */
interface Beginning {
  readonly reason: string;
  readonly automatic: boolean;
  readonly without: readonly NodeId[];
}

export class LayoutChanges {
  readonly #options: LayoutChangesOptions;

  constructor(options: LayoutChangesOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `unavailable` while the cluster forms */
  requireLayout(): Layout {
    return requireLayout(this.#options.state, this.#options.initialNodes);
  }

  /** @throws QuorumError `invalid_argument`, `not_found`, `precondition_failed`, `unavailable` while the cluster forms */
  plan(changes: readonly RoleChange[]): Plan {
    return makePlan(this.view(), this.#wishFor(changes));
  }

  /**
   * Begins what {@link plan} has shown, in the place of what is under way.
   *
   * @param baseLayout the layout that the plan was made for; 0: whatever it is by now
   * @returns the change that is under way then; undefined if nothing has to move
   * @throws QuorumError as `plan` does, and `precondition_failed` if the layout is another one by now
   */
  apply(changes: readonly RoleChange[], baseLayout: number): Promise<Change | undefined> {
    return this.#options.changes.run(async () => {
      const { state } = this.#options;
      const { number } = this.requireLayout();
      if (baseLayout !== 0 && baseLayout !== number) {
        throw new QuorumError({
          code: "precondition_failed",
          message: `the plan is for layout ${baseLayout}, and the cluster has layout ${number} by now; plan again`,
        });
      }
      const wish = this.#wishFor(changes);
      const plan = makePlan(this.view(), wish);
      const isIdle = plan.moves.length === 0 && !plan.reorders && plan.members.length === 0;
      // What is under way may move just now what this plan takes for moved: it ends by itself then.
      if (isIdle && (!state.change || state.change.state === "moving")) return state.change;
      return this.begin(plan, { reason: reasonOf(plan, changes), automatic: false, without: wish.without });
    });
  }

  /** @throws QuorumError `precondition_failed` if nothing is under way */
  stop(): Promise<Change> {
    return this.#options.changes.run(async () => {
      const { change } = this.#options.state;
      if (!change) {
        throw new QuorumError({ code: "precondition_failed", message: "no change of the layout is under way" });
      }
      return this.stopWith(change, change.reason);
    });
  }

  /** Within `changes.run`, as all that follows. */
  async stopWith(change: Change, reason: string): Promise<Change> {
    const { state, log } = this.#options;
    if (change.state === "stopping") return change;
    const stopping: Change = { ...change, state: "stopping", reason };
    await state.apply({ changes: [stopping] });
    log.info("layout.stopping", { change: change.id, reason });
    return stopping;
  }

  async begin(plan: Plan, { reason, automatic, without }: Beginning): Promise<Change> {
    const { state, notice, instruments, clock, log } = this.#options;
    const { number } = plan.base;
    const known = state.changes;
    const previous = state.change;
    const change: Change = {
      id: (known.at(-1)?.id ?? 0) + 1,
      state: "moving",
      reason,
      automatic,
      without,
      startedAtMs: clock.wallMs(),
      endedAtMs: 0,
      firstLayout: number,
      lastLayout: number,
      movesTotal: remainingIn(plan.base, plan.targets),
      movesDone: 0,
      bytesTotal: plan.bytesTotal,
    };
    const oldest = known.length >= changesKept ? known[0] : undefined;
    await state.apply({
      members: plan.members,
      targets: plan.targets,
      changes: previous ? [this.#ended(previous, "superseded"), change] : [change],
      ...(oldest && { droppedChange: oldest.id }),
    });
    const { id, movesTotal: moves, bytesTotal: bytes } = change;
    log.info("layout.change-began", { change: id, reason, moves, bytes, automatic, superseded: previous?.id });
    instruments.layoutChanges.of({ outcome: "started" }).add();
    notice("layout.started", `${moves} ${moves === 1 ? "partition begins" : "partitions begin"} to move: ${reason}`, {
      fields: { change: id, moves, bytes, ...(previous && { superseded: previous.id }) },
    });
    return change;
  }

  /** Publishes a layout as part of the change. */
  async publish(
    change: Change | undefined,
    published: ControlChange & { readonly layout: { number: number } },
  ): Promise<void> {
    const lastLayout = published.layout.number;
    await this.#options.state.apply({ ...published, ...(change && { changes: [{ ...change, lastLayout }] }) });
  }

  async end(change: Change, how: "done" | "stopped"): Promise<void> {
    const { state, notice, instruments, log } = this.#options;
    const ended = this.#ended(change, how);
    await state.apply({ changes: [ended] });
    const { id, movesDone: moves, startedAtMs, endedAtMs, lastLayout: layout } = ended;
    instruments.layoutChanges.of({ outcome: how }).add();
    const elapsedMs = endedAtMs - startedAtMs;
    log.info("layout.change-ended", { change: id, how, moves, layout, elapsedMs });
    const fields = { change: id, moves, layout, elapsed_ms: elapsedMs };
    if (how === "done") notice("layout.completed", `all partitions are in place: ${change.reason}`, { fields });
    else notice("layout.stopped", `stopped after ${moves} of ${change.movesTotal} moves: ${change.reason}`, { fields });
  }

  /** What plans rest on now. */
  view(): PlanView {
    const { state } = this.#options;
    const { members, buckets } = state;
    return {
      layout: this.requireLayout(),
      members,
      buckets,
      healthOf: (id) => state.healthOf(id),
      loadOf: (id) => state.loadOf(id),
    };
  }

  #wishFor(changes: readonly RoleChange[]): PlanWish {
    const { state } = this.#options;
    const isReplacement = changes.length > 0 && changes.every(({ replacedBy }) => replacedBy !== undefined);
    // What was to move goes on moving; beyond that a replacement moves nothing.
    const goesOn = isReplacement && state.change?.state === "moving";
    return {
      changes,
      without: state.change?.without.filter((id) => state.healthOf(id) === "down") ?? [],
      replacements: new Map(),
      from: goesOn ? state.targets : undefined,
      rebalance: !isReplacement,
      holdersOnly: false,
    };
  }

  #ended(change: Change, how: ChangeState): Change {
    const { state, clock } = this.#options;
    const { layout, targets } = state;
    const left = layout && targets ? remainingIn(layout, targets) : 0;
    return { ...change, state: how, endedAtMs: clock.wallMs(), movesDone: Math.max(0, change.movesTotal - left) };
  }
}
