import { ClusterServiceService, type Partition, type WatchLayoutResponse } from "@quorumfs/proto";

/**
 * Watches the layouts that are published: each follows from the one before by the rules of joint quorums.
 *
 * Only what a SuperNode says first of a revision counts; the same again, to others or later, is compared with nothing.
 */
export class LayoutWatch {
  #revision = 0;
  #number = 0;
  #partitions: readonly Partition[] = [];
  #published = 0;

  /** Layouts that differed from the one before. */
  get published(): number {
    return this.#published;
  }

  /** @throws Error if a layout breaks a rule */
  see(path: string, message: unknown): void {
    if (path !== ClusterServiceService.watchLayout.path || !isUpdate(message)) return;
    const { update } = message;
    if (update?.$case !== "cluster" || update.value.revision <= this.#revision) return;
    const { revision, layout, replicas } = update.value;
    this.#revision = revision;
    if (!layout) return;
    if (layout.number < this.#number) throw new Error(`layout ${layout.number} was published after ${this.#number}`);
    if (layout.number > this.#number) this.#published += 1;
    this.#number = layout.number;
    for (const [index, partition] of layout.partitions.entries()) {
      const fault = faultOf(partition, this.#partitions[index], replicas);
      if (fault !== undefined) throw new Error(`layout ${layout.number}, partition ${index}: ${fault}`);
    }
    this.#partitions = layout.partitions;
  }
}

function faultOf(now: Partition, before: Partition | undefined, replicas: number): string | undefined {
  if (new Set(now.nodes).size !== replicas) return `nodes ${now.nodes.join()} are no ${replicas} replicas`;
  if (now.joining.length > 0 && new Set(now.joining).size !== replicas)
    return `${now.joining.join()} are to be replicas`;
  if (!before) return undefined;
  const isSame = sameSet(now.nodes, before.nodes) && sameSet(now.joining, before.joining);
  if (isSame) return now.layout < before.layout ? `its number falls to ${now.layout}` : undefined;
  return now.layout > before.layout ? undefined : `it changed, and its number ${now.layout} did not grow`;
}

function sameSet(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((node) => other.includes(node));
}

function isUpdate(message: unknown): message is WatchLayoutResponse {
  return typeof message === "object" && message !== null && "update" in message;
}
