/** Lets DataNodes in, one after the other, and spreads the files over the first of them. */
import { type Clock, type Log, QuorumError } from "@quorumfs/core";
import type { JoinRequest, JoinResponse } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { defaultBucket, layoutIfDue } from "../cluster/forming.js";
import { admit } from "../cluster/joining.js";
import { layoutToWire } from "../cluster/layout-wire.js";
import type { Notice } from "../events/event-log.js";
import type { SuperNodeInstruments } from "../metrics.js";
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
  readonly notice: Notice;
  readonly instruments: Pick<SuperNodeInstruments, "joins">;
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
    const { state, heartbeats, instruments, log } = this.#options;
    const { clusterId, members, formers, revision } = state;
    const layout = state.layout?.number ?? 0;
    const { address, incarnation } = request;
    const healthOf = state.healthOf.bind(state);
    try {
      const { member, displaced } = admit({ clusterId, layout, revision, members, formers, healthOf }, request);
      await state.apply({ members: [member, ...displaced] });
      const before = members.find(({ id }) => id === member.id);
      const isSameRun = before?.incarnation === member.incarnation;
      const outcome = before ? (isSameRun ? "again" : "restarted") : "new";
      instruments.joins.of({ outcome }).add();
      heartbeats.joined(member.id, outcome);
      log.info("node.joined", { node: member.id, address, incarnation, zone: member.zone, version: member.version });
      await this.#formIfDue();
      return { clusterId, nodeId: member.id, cluster: state.cluster };
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      log.warn("node.refused", { node: request.nodeId, address, incarnation, code, reason: message });
      instruments.joins.of({ outcome: "refused" }).add();
      if (code === "permission_denied") this.#tellRefused(request, message);
      throw thrown;
    }
  }

  /** Whether it may be let in later is another matter: somebody has to look after this one. */
  #tellRefused({ nodeId: wanted, address, incarnation }: JoinRequest, reason: string): void {
    const { state, notice } = this.#options;
    const node = state.members.find(({ id }) => id === wanted)?.id ?? 0;
    const from = address.slice(0, 300);
    notice("node.refused", `the DataNode at ${from} was refused: ${reason}`, {
      node,
      fields: { address: from, incarnation, wanted_node: wanted },
    });
  }

  async #formIfDue(): Promise<void> {
    const { state, initialNodes, partitions, notice, clock, log } = this.#options;
    const layout = layoutIfDue(state, { initialNodes, partitions });
    if (!layout) return;
    const bucket = defaultBucket({ id: state.nextBucketId, replicas: state.replicas, wallMs: clock.wallMs() });
    await state.apply({ layout: layoutToWire(layout), buckets: [bucket] });
    log.info("layout.formed", { layout: layout.number, replicas: layout.replicas, nodes: state.members.length });
    notice("cluster.formed", `${state.members.length} DataNodes hold ${layout.replicas} replicas of each file`, {
      fields: { nodes: state.members.length, replicas: layout.replicas, bucket: bucket.name },
    });
  }
}
