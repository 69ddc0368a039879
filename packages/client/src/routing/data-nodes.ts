import type { Clock, Network, Random } from "@quorumfs/core";
import type { Loads } from "@quorumfs/proto";
import type { ClusterView } from "../cluster/cluster-view.js";
import { BulkPeer } from "./bulk-peer.js";
import { Session } from "./session.js";
import type { PacedKind } from "./pace.js";
import { type Rank, rankWorst, Target } from "./target.js";

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
      const target: Target = new Target(node, {
        session,
        bulk,
        clock,
        usualElsewhere: (kind, self, nowMs) => this.#usualElsewhere(kind, self, nowMs),
      });
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

  get closed(): boolean {
    return this.#closed;
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
   * @param present the node that does this already for others; it comes first among equals
   */
  pickWriter(
    replicas: readonly number[],
    tried: readonly number[],
    nowMs: number,
    present: number | undefined,
  ): Target | undefined {
    let best: Target | undefined;
    let bestRank = Infinity;
    for (const id of present === undefined ? replicas : [present, ...replicas]) {
      const target = this.#targets.get(id);
      if (!target || tried.includes(id)) continue;
      const rank = target.rank(nowMs);
      if (rank === 0) return target;
      if (rank < bestRank) [best, bestRank] = [target, rank];
    }
    return best ?? this.#pickAmong([...this.#targets.keys()], tried, nowMs);
  }

  /** Whether one of them is well and at no limit. */
  hasRoom(replicas: readonly number[], tried: readonly number[], nowMs: number): boolean {
    const ids = replicas.length > 0 ? replicas : [...this.#targets.keys()];
    return ids.some((id) => !tried.includes(id) && this.#targets.get(id)?.rank(nowMs) === 0);
  }

  /** A second node for a read that waits for the first: one that is well, or no worse. None that is at its limit. */
  pickSecondReader(
    replicas: readonly number[],
    tried: readonly number[],
    nowMs: number,
    first: Target,
  ): Target | undefined {
    const target = this.#pickAmong(replicas, [...tried, first.id], nowMs);
    const rank = target?.rank(nowMs);
    return rank === 0 || (rank === 2 && first.rank(nowMs) >= 2) ? target : undefined;
  }

  /** The better of two replicas drawn at random: near the best choice, and clients do not all rush to one node (Mitzenmacher 2001). */
  pickReader(replicas: readonly number[], tried: readonly number[], nowMs: number): Target | undefined {
    return this.#pickAmong(replicas, tried, nowMs) ?? this.#pickAmong([...this.#targets.keys()], tried, nowMs);
  }

  #pickAmong(ids: readonly number[], tried: readonly number[], nowMs: number): Target | undefined {
    let bestRank: Rank = rankWorst;
    let candidates: Target[] = [];
    for (const id of ids) {
      const target = this.#targets.get(id);
      if (!target || tried.includes(id)) continue;
      const rank = target.rank(nowMs);
      if (rank > bestRank) continue;
      if (rank < bestRank) [candidates, bestRank] = [[], rank];
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

  #usualElsewhere(kind: PacedKind, self: Target, nowMs: number): number | undefined {
    let best: number | undefined;
    for (const target of this.#targets.values()) {
      const usualMs = target === self ? undefined : target.usualMs(kind, nowMs);
      if (usualMs !== undefined && (best === undefined || usualMs < best)) best = usualMs;
    }
    return best;
  }

  close(): void {
    this.#closed = true;
    for (const target of this.#targets.values()) target.close();
    this.#targets.clear();
  }
}
