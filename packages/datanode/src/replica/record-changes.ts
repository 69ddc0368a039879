import type { Ballot } from "@quorumfs/core";
import type { FileState } from "./file-state.js";

/** Who is told of each change of a record, when it is decided; the disk may not have it yet. */
export interface RecordChanges {
  /**
   * @param file with its new record
   * @param before accepted ballot of the record that was there; undefined if there was none, or none that can be read
   * @param after undefined: the record is erased
   */
  changed(file: FileState, before: Ballot | undefined, after: Ballot | undefined): void;
  /** A record went or came in another way than by {@link changed}: by damage, or by the repair of it. */
  unsettled(): void;
  /** Nothing is left of these partitions. */
  emptied(partitions: ReadonlySet<number>): void;
}

export const nobodyListens: RecordChanges = Object.freeze({
  changed: () => undefined,
  unsettled: () => undefined,
  emptied: () => undefined,
});
