import { type NodeId, type PartitionAssignment, nodeId } from "@quorumfs/core";
import type { Coverage } from "./coverage.js";
import type { EventQueue } from "./event-queue.js";
import { FollowedLayout, type LayoutRules, layoutRules } from "./followed-layout.js";
import { type Network, superNodeIndex } from "./network.js";
import type { HistoryPlan } from "./plan.js";
import { Prng } from "./prng.js";
import { type Protocol, protocol } from "./protocol.js";
import { type CoordinatorRules, SimulatedCoordinator, type Trace, coordinatorRules } from "./simulated-coordinator.js";
import { type ReplicaRules, SimulatedReplica, replicaRules } from "./simulated-replica.js";
import { SimulatedSuperNode, type SuperNodeRules, superNodeRules } from "./simulated-super-node.js";
import { SimulatedTakeover, type TakeoverRules, takeoverRules } from "./simulated-takeover.js";
import { VoteLedger } from "./vote-ledger.js";

/** What a mutation test changes. */
export interface ClusterRules {
  readonly protocol?: Protocol;
  readonly replicaRules?: ReplicaRules;
  readonly coordinatorRules?: CoordinatorRules;
  readonly layoutRules?: LayoutRules;
  readonly takeoverRules?: TakeoverRules;
  readonly superNodeRules?: SuperNodeRules;
}

export interface SimulatedClusterOptions {
  readonly plan: HistoryPlan;
  readonly rules: ClusterRules;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly coverage: Coverage;
  readonly trace: Trace | undefined;
}

// A heartbeat, in virtual time.
const tickMs = 12;

/** The DataNodes, which hold one file and coordinate operations on it, and the SuperNode, which moves it between them. */
export class SimulatedCluster {
  readonly replicas: readonly SimulatedReplica[];
  readonly coordinators: readonly SimulatedCoordinator[];
  readonly superNode: SimulatedSuperNode;
  readonly #options: SimulatedClusterOptions;
  readonly #followed: readonly FollowedLayout[];
  readonly #takeovers: readonly SimulatedTakeover[];
  /** By index: nodes that never run again. */
  readonly #lost = new Set<number>();

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    const { plan } = options;
    const ids = (count: number) => Array.from({ length: count }, (_, index) => nodeId(index + 1));
    const first: PartitionAssignment = { nodes: ids(plan.quorum.replicas), joining: [], layout: 1 };
    const ledger = new VoteLedger(plan.quorum, first);
    const everybody = ids(plan.coordinators);
    this.superNode = this.#makeSuperNode(first, everybody, ledger);
    this.#followed = everybody.map((_, index) => this.#makeFollowed(first, index));
    this.replicas = ids(plan.nodes).map((node, index) => this.#makeReplica(node, this.#followedBy(index), ledger));
    this.coordinators = everybody.map((node, index) => this.#makeCoordinator(node, index, ledger));
    this.#takeovers = this.replicas.map((replica, index) => this.#makeTakeover(replica, index));
  }

  #makeSuperNode(first: PartitionAssignment, everybody: readonly NodeId[], ledger: VoteLedger): SimulatedSuperNode {
    const { plan, rules, queue, coverage, trace } = this.#options;
    return new SimulatedSuperNode({
      first,
      quorum: plan.quorum,
      rules: rules.superNodeRules ?? superNodeRules,
      queue,
      coverage,
      tickMs,
      nodes: everybody.slice(0, plan.nodes),
      others: everybody.slice(plan.nodes),
      tell: (node) => this.#tell(node - 1),
      onPublished: (assignment) => {
        const { layout, nodes, joining } = assignment;
        trace?.(
          () =>
            `SuperNode publishes L${layout} ${nodes.join(",")}${joining.length > 0 ? ` -> ${joining.join(",")}` : ""}`,
        );
        ledger.onPublished(assignment);
      },
    });
  }

  #makeFollowed(first: PartitionAssignment, index: number): FollowedLayout {
    const { plan, rules, queue, network } = this.#options;
    return new FollowedLayout({
      first,
      rules: rules.layoutRules ?? layoutRules,
      queue,
      prng: new Prng(plan.seed * 41 + index),
      syncMs: plan.syncMs,
      ask: () => {
        const deliver = () => {
          if (!this.superNode.isAway) this.#tell(index);
        };
        network.send({ from: index, to: superNodeIndex, deliver, lost: nothing });
      },
    });
  }

  #makeReplica(node: NodeId, followed: FollowedLayout, ledger: VoteLedger): SimulatedReplica {
    const { plan, rules, queue, coverage } = this.#options;
    return new SimulatedReplica({
      node,
      answer: (rules.protocol ?? protocol).answer,
      rules: rules.replicaRules ?? replicaRules,
      queue,
      prng: new Prng(plan.seed * 31 + node),
      syncMs: plan.syncMs,
      ledger,
      followed,
      coverage,
    });
  }

  #makeCoordinator(node: NodeId, index: number, ledger: VoteLedger): SimulatedCoordinator {
    const { plan, rules, queue, network, coverage, trace } = this.#options;
    return new SimulatedCoordinator({
      index,
      node,
      protocol: rules.protocol ?? protocol,
      rules: rules.coordinatorRules ?? coordinatorRules,
      followed: this.#followedBy(index),
      ledger,
      replicas: this.replicas,
      network,
      queue,
      prng: new Prng(plan.seed * 37 + index),
      plan,
      coverage,
      trace,
    });
  }

  #makeTakeover(replica: SimulatedReplica, index: number): SimulatedTakeover {
    const { plan, rules, queue, network, coverage, trace } = this.#options;
    const coordinator = this.coordinators[index];
    if (!coordinator) throw new RangeError("every node coordinates");
    return new SimulatedTakeover({
      protocol: rules.protocol ?? protocol,
      rules: rules.takeoverRules ?? takeoverRules,
      quorum: plan.quorum,
      coordinator,
      replica,
      followed: this.#followedBy(index),
      replicas: this.replicas,
      network,
      queue,
      coverage,
      trace,
    });
  }

  #followedBy(index: number): FollowedLayout {
    const followed = this.#followed[index];
    if (!followed) throw new RangeError("every node follows layouts");
    return followed;
  }

  /** The newest layout goes to a node, and back comes what the node has to report. */
  #tell(index: number): void {
    const { network } = this.#options;
    const { published } = this.superNode;
    const deliver = () => {
      const replica = this.replicas[index];
      const followed = this.#followedBy(index);
      if (this.#lost.has(index) || replica?.isUp === false) return;
      followed.offer(published);
      const synced = this.#takeovers[index]?.synced;
      const report = { node: nodeId(index + 1), follows: followed.view.layout, synced };
      network.send({ from: index, to: superNodeIndex, deliver: () => this.superNode.hear(report), lost: nothing });
    };
    network.send({ from: superNodeIndex, to: index, deliver, lost: nothing });
  }

  /** Whether the file is being moved, as this node knows. */
  isMoving(index: number): boolean {
    return this.#followedBy(index).view.joining.length > 0;
  }

  get isIdle(): boolean {
    return this.coordinators.every((coordinator) => coordinator.isIdle);
  }

  isLost(index: number): boolean {
    return this.#lost.has(index);
  }

  get hasLost(): boolean {
    return this.#lost.size > 0;
  }

  /** @returns whether it was up */
  crashReplica(index: number): boolean {
    const replica = this.replicas[index];
    if (!replica?.isUp) return false;
    replica.crash();
    this.#takeovers[index]?.forget();
    return true;
  }

  restartReplica(index: number): void {
    if (this.#lost.has(index)) return;
    this.replicas[index]?.restart();
    this.#takeovers[index]?.begin();
  }

  /** @returns whether it was up */
  crashCoordinator(index: number): boolean {
    const coordinator = this.coordinators[index];
    if (!coordinator?.isUp) return false;
    coordinator.crash();
    this.#takeovers[index]?.forget();
    return true;
  }

  restartCoordinator(index: number): void {
    if (this.#lost.has(index)) return;
    this.coordinators[index]?.restart();
    this.#takeovers[index]?.begin();
  }

  /** The node never runs again, and the SuperNode is told so. */
  lose(index: number): void {
    this.crashReplica(index);
    this.crashCoordinator(index);
    this.#lost.add(index);
    this.superNode.replaceLost(nodeId(index + 1));
  }

  catchUp(index: number, other: number): void {
    this.#takeovers[index]?.catchUp(nodeId(other + 1));
  }

  /** Everything that is not lost for good runs. */
  heal(): void {
    for (const index of this.replicas.keys()) this.restartReplica(index);
    for (const [index, coordinator] of this.coordinators.entries()) {
      this.restartCoordinator(index);
      coordinator.resume();
    }
  }
}

function nothing(): void {}
