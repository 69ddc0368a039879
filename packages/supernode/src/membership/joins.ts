/** Lets DataNodes in, one after the other, and spreads the files over the first of them. */
import { type Clock, type Log, QuorumError } from "@quorumfs/core";
import type { JoinRequest, JoinResponse } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { defaultBucket, layoutIfDue } from "../cluster/forming.js";
import { admit } from "../cluster/joining.js";
import { layoutToWire } from "../cluster/layout-wire.js";
import type { OneAtATime } from "../one-at-a-time.js";
import type { Heartbeats } from "./heartbeats.js";

export interface JoinsOptions {
  readonly state: ClusterState;
  readonly heartbeats: Heartbeats;
  /** Shared by all who change the cluster. */
  readonly changes: OneAtATime;
  readonly initialNodes: number;
  /** Of the first layout. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class Joins {
  readonly #options: JoinsOptions;

  constructor(options: JoinsOptions) {
    this.#options = options;
  }

  join(request: JoinRequest): Promise<JoinResponse> {
    return this.#options.changes.run(() => this.#join(request));
  }

  async #join(request: JoinRequest): Promise<JoinResponse> {
    const { state, heartbeats, log } = this.#options;
    const { clusterId, members, formers, revision } = state;
    const layout = state.layout?.number ?? 0;
    const { address, incarnation } = request;
    const healthOf = state.healthOf.bind(state);
    try {
      const { member, displaced } = admit({ clusterId, layout, revision, members, formers, healthOf }, request);
      await state.apply({ members: [member, ...displaced] });
      heartbeats.joined(member.id);
      log.info("node.joined", { node: member.id, address, incarnation, zone: member.zone, version: member.version });
      await this.#formIfDue();
      return { clusterId, nodeId: member.id, cluster: state.cluster };
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      log.warn("node.refused", { node: request.nodeId, address, incarnation, code, reason: message });
      throw thrown;
    }
  }

  async #formIfDue(): Promise<void> {
    const { state, initialNodes, partitions, clock, log } = this.#options;
    const layout = layoutIfDue(state, { initialNodes, partitions });
    if (!layout) return;
    const bucket = defaultBucket({ id: state.nextBucketId, replicas: state.replicas, wallMs: clock.wallMs() });
    await state.apply({ layout: layoutToWire(layout), buckets: [bucket] });
    log.info("layout.formed", { layout: layout.number, replicas: layout.replicas, nodes: state.members.length });
  }
}
