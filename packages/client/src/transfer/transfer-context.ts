import type { Clock, Log, Random } from "@quorumfs/core";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { FileCalls } from "../file-calls.js";
import type { DataNodes } from "../routing/data-nodes.js";
import type { ChunkHaste } from "./chunk-haste.js";
import type { Places } from "./places.js";
import type { ReadAhead } from "./read-ahead.js";
import type { UploadBuffers } from "./upload-buffers.js";

/** What the transfers of one client share. */
export interface TransferContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly calls: FileCalls;
  readonly dataNodes: DataNodes;
  /** The newest. @throws QuorumError `unavailable` while the cluster is forming, `cancelled` after close */
  readonly view: () => ClusterView;
  readonly buffers: UploadBuffers;
  readonly readAhead: ReadAhead;
  readonly haste: ChunkHaste;
  /** Appends that keep up to a chunk in memory while they try. */
  readonly heavyAppends: Places;
}

/** The file that chunks belong to. */
export interface ChunkOwner {
  readonly bucket: number;
  readonly path: string;
}
