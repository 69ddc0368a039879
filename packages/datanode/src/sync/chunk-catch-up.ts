import type { CancelSignal, Channel, Clock } from "@quorumfs/core";
import type { FileOwner } from "../chunk/chunk-key.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { LargeContent } from "../content/large-content.js";
import type { PartitionVersion } from "../handover/holdings.js";
import { pullChunks } from "../handover/pull-chunks.js";
import type { LargeFiles } from "./large-files.js";

export interface ChunkCatchUpOptions {
  readonly chunks: Pick<ChunkStore, "has">;
  readonly large: Pick<LargeContent, "missingChunks">;
  readonly files: Pick<LargeFiles, "lookAfter" | "isBusy">;
  readonly clock: Clock;
}

/**
 * Finds out which chunks this node lacks of those that another one has, and looks after their files: whether they are needed,
 * only the chosen version of the file can tell. The other one may have missed that they are not.
 */
export class ChunkCatchUp {
  readonly #options: ChunkCatchUpOptions;

  constructor(options: ChunkCatchUpOptions) {
    this.#options = options;
  }

  /** Whether something is still to be looked at, or on its way. */
  get isBusy(): boolean {
    const { large, files } = this.#options;
    return files.isBusy || large.missingChunks > 0;
  }

  /**
   * Sees to it that what is lacking and needed is fetched, and does not wait for it.
   *
   * @returns how many are lacking, needed or not
   * @throws as {@link pullChunks}
   */
  async compare(channel: Channel, partitions: readonly PartitionVersion[], signal: CancelSignal): Promise<number> {
    const { chunks, files, clock } = this.#options;
    let lacking = 0;
    for await (const page of pullChunks({ channel, partitions, clock, signal })) {
      const owners: FileOwner[] = [];
      for (const { key } of page) {
        if (chunks.has(key)) continue;
        lacking += 1;
        owners.push(key.owner);
      }
      files.lookAfter(owners);
    }
    return lacking;
  }
}
