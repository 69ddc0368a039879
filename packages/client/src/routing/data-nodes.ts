import type { Clock, Network, Random } from "@quorumfs/core";
import type { Loads } from "@quorumfs/proto";
import type { ClusterView } from "../cluster/cluster-view.js";
import { BulkPeer } from "./bulk-peer.js";
import { Session } from "./session.js";
import { Target } from "./target.js";

export interface DataNodesOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
}

/** The DataNodes of the cluster, and which of them to ask. */
export class DataNodes {
  readonly #options: DataNodesOptions;
  readonly #targets = new Map<number, Target>();
  #closed = false;

  constructor(options: DataNodesOptions) {
    this.#options = options;
  }

  install(view: ClusterView): void {
    if (this.#closed) return;
    for (const node of view.nodes.values()) {
      const known = this.#targets.get(node.id);
      if (known?.address === node.address) {
        known.update(node);
        continue;
      }
      known?.close();
      const { clock } = this.#options;
      const { id, address } = node;
      const identity = new Map([["quorumfs-cluster", view.clusterId]]);
      const session = new Session({
        ...this.#options,
        peer: `DataNode ${id} at ${address}`,
        address,
        identity,
        onChange: (up) => target.connectionChanged(up),
      });
      const bulk = new BulkPeer({ ...this.#options, id, address, identity });
      const target: Target = new Target(node, { session, bulk, clock });
      target.update(node);
      this.#targets.set(node.id, target);
    }
    for (const [id, target] of this.#targets) {
      if (view.nodes.has(id)) continue;
      target.close();
      this.#targets.delete(id);
    }
  }

  updateLoads(loads: Loads): void {
    for (const { node, load } of loads.nodes) if (load) this.#targets.get(node)?.updateLoad(load);
  }

  /** Undefined: not a member any more, or the client was closed. */
  target(id: number): Target | undefined {
    return this.#targets.get(id);
  }

  /** By id. */
  get targets(): ReadonlyMap<number, Target> {
    return this.#targets;
  }

  /**
   * The coordinator for a mutation: the file's first replica that is well, since it often keeps the next ballot; then
   * the best of the others, which coordinate just as correctly, though no better.
   *
   * @param replicas in order of preference
   * @param tried ids that are out of the question
   * @param present the node that does this already for others; it stays as long as it is well
   */
  pickWriter(
    replicas: readonly number[],
    tried: readonly number[],
    nowMs: number,
    present: number | undefined,
  ): Target | undefined {
    const target = present === undefined || tried.includes(present) ? undefined : this.#targets.get(present);
    if (target?.tier === 0) return target;
    let best: Target | undefined;
    let bestTier = 3;
    for (const id of replicas) {
      const target = this.#targets.get(id);
      if (!target || tried.includes(id)) continue;
      const tier = target.tier;
      if (tier === 0) return target;
      if (tier < bestTier) [best, bestTier] = [target, tier];
    }
    return best ?? this.#pickAmong([...this.#targets.keys()], tried, nowMs);
  }

  /** The better of two replicas drawn at random: near the best choice, and clients do not all rush to one node (Mitzenmacher 2001). */
  pickReader(replicas: readonly number[], tried: readonly number[], nowMs: number): Target | undefined {
    return this.#pickAmong(replicas, tried, nowMs) ?? this.#pickAmong([...this.#targets.keys()], tried, nowMs);
  }

  #pickAmong(ids: readonly number[], tried: readonly number[], nowMs: number): Target | undefined {
    let bestTier = 3;
    let candidates: Target[] = [];
    for (const id of ids) {
      const target = this.#targets.get(id);
      if (!target || tried.includes(id)) continue;
      const tier = target.tier;
      if (tier > bestTier) continue;
      if (tier < bestTier) [candidates, bestTier] = [[], tier];
      candidates.push(target);
    }
    return this.#betterOfTwo(candidates, nowMs);
  }

  #betterOfTwo(candidates: readonly Target[], nowMs: number): Target | undefined {
    if (candidates.length < 2) return candidates[0];
    const { random } = this.#options;
    const first = Math.floor(random.fraction() * candidates.length);
    const second = (first + 1 + Math.floor(random.fraction() * (candidates.length - 1))) % candidates.length;
    const [a, b] = [candidates[first], candidates[second]];
    return a && b && b.readCost(nowMs) < a.readCost(nowMs) ? b : a;
  }

  close(): void {
    this.#closed = true;
    for (const target of this.#targets.values()) target.close();
    this.#targets.clear();
  }
}
