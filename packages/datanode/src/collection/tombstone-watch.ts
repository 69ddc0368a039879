import type { Ballot } from "@quorumfs/core";
import type { FileState } from "../replica/file-state.js";
import type { RecordChanges } from "../replica/record-changes.js";

/** Tells of the tombstones that are stored, and passes everything on. */
export class TombstoneWatch implements RecordChanges {
  readonly #next: RecordChanges;
  readonly #onTombstone: (modifiedAtMs: number) => void;

  constructor(options: { readonly next: RecordChanges; readonly onTombstone: (modifiedAtMs: number) => void }) {
    this.#next = options.next;
    this.#onTombstone = options.onTombstone;
  }

  changed(file: FileState, before: Ballot | undefined, after: Ballot | undefined): void {
    this.#next.changed(file, before, after);
    if (after && file.record?.isTombstone === true) this.#onTombstone(file.record.modifiedAtMs);
  }

  unsettled(): void {
    this.#next.unsettled();
  }

  emptied(partitions: ReadonlySet<number>): void {
    this.#next.emptied(partitions);
  }
}
