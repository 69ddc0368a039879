import { type NodeId, QuorumError } from "@quorumfs/core";
import type { Member } from "./identity.js";

/** What makes this node's ballots its own. */
export interface Proposer {
  readonly node: NodeId;
  readonly incarnation: number;
}

/** This node, as it is known so far: at its very first start it has no number before the SuperNode gives one. */
export class LocalNode {
  /** How often a process has been started on this store, this time included. */
  readonly incarnation: number;
  /** Of this software. */
  readonly version: string;
  #member: Member | undefined;
  #proposer: Proposer | undefined;

  constructor(options: {
    readonly incarnation: number;
    readonly version: string;
    readonly member: Member | undefined;
  }) {
    this.incarnation = options.incarnation;
    this.version = options.version;
    this.#member = options.member;
  }

  get member(): Member | undefined {
    return this.#member;
  }

  become(member: Member): void {
    this.#member = member;
  }

  /** In whose name this node proposes. @throws QuorumError `unavailable` before the first Join */
  get proposer(): Proposer {
    return (this.#proposer ??= { node: this.id, incarnation: this.incarnation });
  }

  /** @throws QuorumError `unavailable` before the first Join */
  get id(): NodeId {
    return this.#expectMember().nodeId;
  }

  /** @throws QuorumError `unavailable` before the first Join */
  get clusterId(): string {
    return this.#expectMember().clusterId;
  }

  /** What this node says of itself on every connection. */
  get identity(): ReadonlyMap<string, string> {
    const { clusterId, nodeId } = this.#member ?? { clusterId: "", nodeId: 0 };
    return new Map([
      ["quorumfs-cluster", clusterId],
      ["quorumfs-node", String(nodeId)],
      ["quorumfs-incarnation", String(this.incarnation)],
      ["quorumfs-version", this.version],
    ]);
  }

  #expectMember(): Member {
    if (this.#member) return this.#member;
    throw new QuorumError({ code: "unavailable", message: "this DataNode has not joined its cluster yet" });
  }
}
