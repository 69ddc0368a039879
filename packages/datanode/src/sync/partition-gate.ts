import { QuorumError } from "@quorumfs/core";
import type { PartitionVersion } from "@quorumfs/proto";
import type { ReplicaContext } from "../replica/replica-context.js";

/** Sees to it that this node speaks of a partition only to those who follow the same layout of it. */
export class PartitionGate {
  readonly #context: ReplicaContext;

  constructor(context: ReplicaContext) {
    this.#context = context;
  }

  /**
   * Resolves when this node follows the layouts that the caller does; asks for newer ones where it does not.
   *
   * @throws QuorumError as {@link check}
   */
  async enter(versions: readonly PartitionVersion[]): Promise<void> {
    await this.#context.newerLayout(() => !versions.some((version) => this.#isNews(version)));
    this.check(versions);
  }

  /**
   * @throws QuorumError `unavailable`: this node does not know the caller's layout of a partition yet, or does not hold
   *   the partition; `precondition_failed`: the caller's is out of date; `invalid_argument`: no such partition
   */
  check(versions: readonly PartitionVersion[]): void {
    const context = this.#context;
    for (const version of versions) {
      const { partition, layout } = version;
      const known = this.#layoutOf(partition);
      if (this.#isNews(version)) {
        throw unavailable(`this DataNode follows layout ${known} of partition ${partition}, and not yet ${layout}`);
      }
      if (layout < known) {
        const message = `partition ${partition} has layout ${known} by now, not ${layout}; follow it and ask again`;
        throw new QuorumError({ code: "precondition_failed", message });
      }
      if (!context.holds(partition))
        throw unavailable(`DataNode ${context.self ?? 0} does not hold partition ${partition}`);
    }
  }

  #isNews({ partition, layout }: PartitionVersion): boolean {
    return layout > this.#layoutOf(partition);
  }

  #layoutOf(partition: number): number {
    const partitions = this.#context.layout()?.partitions;
    if (!partitions) return 0;
    const assignment = partitions[partition];
    if (assignment) return assignment.layout;
    throw new QuorumError({ code: "invalid_argument", message: `there is no partition ${partition}` });
  }
}

function unavailable(message: string): QuorumError {
  return new QuorumError({ code: "unavailable", message });
}
