import { partitionOf } from "@quorumfs/core";
import { CopyState, type ReplicaCopy } from "@quorumfs/proto";
import type { Holdings } from "../handover/holdings.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { InspectedCopy, ReplicaTarget } from "../replica/messages.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { copyToWire } from "./wire.js";

export interface InspectorOptions {
  readonly replica: Pick<LocalReplica, "inspect">;
  readonly context: Pick<ReplicaContext, "layout" | "self">;
  readonly holdings: Pick<Holdings, "isSynced">;
}

/** Tells what this node has of a file. */
export class Inspector {
  readonly #options: InspectorOptions;

  constructor(options: InspectorOptions) {
    this.#options = options;
  }

  /** @throws QuorumError as `LocalReplica.inspect` */
  async inspect(target: ReplicaTarget): Promise<ReplicaCopy> {
    const copy = await this.#options.replica.inspect(target);
    return copyToWire(copy, this.#stateOf(target, copy));
  }

  #stateOf(target: ReplicaTarget, copy: InspectedCopy): CopyState {
    switch (copy.kind) {
      case "forgotten":
        return CopyState.COPY_STATE_FORGOTTEN;
      case "damaged":
        return CopyState.COPY_STATE_DAMAGED;
      case "readable":
        if (copy.isContentDamaged) return CopyState.COPY_STATE_DAMAGED;
        return this.#isArriving(target) ? CopyState.COPY_STATE_ARRIVING : CopyState.COPY_STATE_GOOD;
    }
  }

  /** Whether this node takes the file's partition over, and has not got all of it. */
  #isArriving({ bucket, path }: ReplicaTarget): boolean {
    const { context, holdings } = this.#options;
    const { self } = context;
    const layout = context.layout();
    const partition = partitionOf(bucket, path, layout?.partitions.length);
    const assignment = layout?.partitions[partition];
    if (!assignment || self === undefined || assignment.nodes.includes(self)) return false;
    return assignment.joining.includes(self) && !holdings.isSynced({ partition, layout: assignment.layout });
  }
}
