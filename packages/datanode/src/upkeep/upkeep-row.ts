import { type Disk, type Log, QuorumError, type TableWrite } from "@quorumfs/core";
import { SealedTable } from "@quorumfs/runtime";

/** A row of what upkeep remembers. One flipped bit in it is put right; what is worse is forgotten, and said to be. */
export class UpkeepRow {
  readonly #table: SealedTable;
  readonly #key: Uint8Array;
  readonly #name: string;
  readonly #log: Log;

  constructor(options: { readonly disk: Disk; readonly log: Log; readonly name: string }) {
    this.#table = new SealedTable(options.disk.table("upkeep"));
    this.#name = options.name;
    this.#key = Buffer.from(options.name);
    this.#log = options.log;
  }

  read(): Buffer | undefined {
    try {
      const value = this.#table.get(this.#key);
      return value && Buffer.from(value);
    } catch (thrown) {
      this.#log.error("upkeep.row-lost", { row: this.#name, error: QuorumError.from(thrown) });
      return undefined;
    }
  }

  write(value: Uint8Array): TableWrite {
    return this.#table.write(this.#key, value);
  }
}
