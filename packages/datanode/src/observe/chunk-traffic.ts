/** Chunks that went from here and came here, since the start: what clients read and wrote apart from what DataNodes send each other. */
import type { CallContext } from "@quorumfs/core";

export interface TrafficCounts {
  chunksRead: number;
  bytesRead: number;
  chunksWritten: number;
  bytesWritten: number;
}

export class ChunkTraffic {
  readonly clients: TrafficCounts = noTraffic();
  readonly nodes: TrafficCounts = noTraffic();

  /** Where what this caller reads and writes is counted. DataNodes say who they are, clients do not. */
  of(call: CallContext): TrafficCounts {
    return call.identity.get("quorumfs-node") === undefined ? this.clients : this.nodes;
  }
}

function noTraffic(): TrafficCounts {
  return { chunksRead: 0, bytesRead: 0, chunksWritten: 0, bytesWritten: 0 };
}
