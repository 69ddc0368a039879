import { type CallContext, nodeId, QuorumError, type Route, serverStreamRoute, unaryRoute } from "@quorumfs/core";
import {
  AdminServiceService,
  type ApplyLayoutRequest,
  type ApplyLayoutResponse,
  type GetLayoutResponse,
  type ListLayoutChangesResponse,
  type NodeChange,
  type PlanLayoutRequest,
  type PlanLayoutResponse,
  type StopLayoutResponse,
  type WatchLayoutChangeResponse,
} from "@quorumfs/proto";
import { checkCallersCluster } from "../caller.js";
import type { ClusterState } from "../cluster/cluster-state.js";
import { roleFromWire } from "../cluster/member.js";
import type { Clock } from "@quorumfs/core";
import type { LayoutChanges } from "./layout-changes.js";
import type { LayoutDriver } from "./layout-driver.js";
import { estimateMs } from "./pace.js";
import { planToWire, type RoleChange, sharesOf } from "./planning.js";
import { watchChange } from "./watch-change.js";

export interface LayoutRoutesOptions {
  readonly state: ClusterState;
  readonly layoutChanges: LayoutChanges;
  readonly driver: LayoutDriver;
  readonly clock: Clock;
  /** Aborted when the SuperNode stops. */
  readonly stopping: AbortSignal;
}

/** AdminService, as far as it is about the layout. */
export function layoutRoutes(options: LayoutRoutesOptions): readonly Route[] {
  const service = new LayoutService(options);
  const { getLayout, planLayout, applyLayout, stopLayout, watchLayoutChange, listLayoutChanges } = AdminServiceService;
  return [
    unaryRoute(getLayout, (_, call) => service.get(call)),
    unaryRoute(planLayout, (request, call) => service.plan(request, call)),
    unaryRoute(applyLayout, (request, call) => service.apply(request, call)),
    unaryRoute(stopLayout, (_, call) => service.stop(call)),
    serverStreamRoute(watchLayoutChange, (_, call) => service.watch(call)),
    unaryRoute(listLayoutChanges, (_, call) => service.list(call)),
  ];
}

class LayoutService {
  readonly #options: LayoutRoutesOptions;

  constructor(options: LayoutRoutesOptions) {
    this.#options = options;
  }

  async get(call: CallContext): Promise<GetLayoutResponse> {
    const { state, driver } = this.#options;
    checkCallersCluster(call, state.clusterId);
    const { layout, members, change } = state;
    return {
      number: layout?.number ?? 0,
      shares: layout ? [...sharesOf({ layout, members })] : [],
      change: change && driver.describe(change),
    };
  }

  async plan(request: PlanLayoutRequest, call: CallContext): Promise<PlanLayoutResponse> {
    const { state, layoutChanges } = this.#options;
    checkCallersCluster(call, state.clusterId);
    const plan = layoutChanges.plan(request.changes.map(roleChange));
    return { plan: planToWire(plan, estimateMs(plan, state.changes)) };
  }

  async apply(request: ApplyLayoutRequest, call: CallContext): Promise<ApplyLayoutResponse> {
    const { state, layoutChanges, driver } = this.#options;
    checkCallersCluster(call, state.clusterId);
    const change = await layoutChanges.apply(request.changes.map(roleChange), request.baseLayout);
    driver.wake();
    return { change: change && driver.describe(change) };
  }

  async stop(call: CallContext): Promise<StopLayoutResponse> {
    const { state, layoutChanges, driver } = this.#options;
    checkCallersCluster(call, state.clusterId);
    const change = await layoutChanges.stop();
    driver.leaveAlone(change);
    driver.wake();
    return { change: driver.describe(change) };
  }

  watch(call: CallContext): AsyncIterable<WatchLayoutChangeResponse> {
    const { state, driver, clock, stopping } = this.#options;
    checkCallersCluster(call, state.clusterId);
    return watchChange({ state, driver, clock, signals: [call.signal, stopping] });
  }

  async list(call: CallContext): Promise<ListLayoutChangesResponse> {
    const { state, driver } = this.#options;
    checkCallersCluster(call, state.clusterId);
    return { changes: state.changes.map((change) => driver.describe(change)).reverse() };
  }
}

/** @throws QuorumError `invalid_argument` */
function roleChange({ node, role, replacedBy }: NodeChange): RoleChange {
  const wanted = roleFromWire(role);
  if (node === 0) throw new QuorumError({ code: "invalid_argument", message: "say which DataNode: node is 0" });
  if (!wanted) {
    const message = `say what is to become of DataNode ${node}: active, draining, leaving or lost`;
    throw new QuorumError({ code: "invalid_argument", message });
  }
  return { node: nodeId(node), role: wanted, replacedBy: replacedBy === 0 ? undefined : nodeId(replacedBy) };
}
