/**
 * What was found damaged on this node, what of it was put right, and what is still to be: durable, so that a repair
 * outlives the process and no count ever goes back. Only what the disk has is shown.
 *
 *     "damage" in table "upkeep"         four f64: records damaged, repaired, chunks damaged, repaired
 *     "r" or "c", key, in table "damaged"   this record or chunk is damaged; the value is empty
 */
import { Buffer } from "node:buffer";
import type { Disk, Log, Table, TableWrite } from "@quorumfs/core";
import type { DamageCounts } from "@quorumfs/proto";
import { UpkeepRow } from "./upkeep-row.js";

export type DamageKind = "record" | "chunk";

const prefixes: Readonly<Record<DamageKind, Buffer>> = { record: Buffer.from("r"), chunk: Buffer.from("c") };
const rowBytes = 4 * 8;
const none: DamageCounts = { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 0, chunksRepaired: 0 };

export class DamageLedger {
  readonly #disk: Disk;
  readonly #counts: UpkeepRow;
  readonly #pending: Table;
  #written: DamageCounts;
  #durable: DamageCounts;

  constructor(options: { readonly disk: Disk; readonly log: Log }) {
    this.#disk = options.disk;
    this.#counts = new UpkeepRow({ ...options, name: "damage" });
    this.#pending = options.disk.table("damaged");
    const row = this.#counts.read();
    this.#written = this.#durable = (row && decode(row)) ?? none;
  }

  /** Since the store was made. Never less than what was shown before, whatever crashed in between. */
  get counts(): DamageCounts {
    return this.#durable;
  }

  /** Keys of what was found and neither repaired nor dropped, at most `max`. */
  *pending(kind: DamageKind, max: number): Generator<Buffer> {
    const prefix = prefixes[kind];
    let left = max;
    for (const { key } of this.#pending.range({ start: prefix, end: Buffer.of((prefix[0] ?? 0) + 1) })) {
      if (left <= 0) return;
      left -= 1;
      yield Buffer.from(key.subarray(1));
    }
  }

  /** Something is damaged, and stays so over restarts until it is {@link repaired} or {@link dropped}. */
  found(kind: DamageKind, key: Uint8Array): Promise<void> {
    const { recordsDamaged, chunksDamaged } = this.#written;
    const more = kind === "record" ? { recordsDamaged: recordsDamaged + 1 } : { chunksDamaged: chunksDamaged + 1 };
    return this.#commit(more, { kind, key, value: new Uint8Array(0) });
  }

  /** It was put right, read back and found to be so. */
  repaired(kind: DamageKind, key: Uint8Array): Promise<void> {
    const { recordsRepaired, chunksRepaired } = this.#written;
    const more = kind === "record" ? { recordsRepaired: recordsRepaired + 1 } : { chunksRepaired: chunksRepaired + 1 };
    return this.#commit(more, { kind, key, value: undefined });
  }

  /** Nobody needs it any more. */
  dropped(kind: DamageKind, key: Uint8Array): Promise<void> {
    return this.#commit({}, { kind, key, value: undefined });
  }

  async #commit(
    more: Partial<DamageCounts>,
    row: { readonly kind: DamageKind; readonly key: Uint8Array; readonly value: Uint8Array | undefined },
  ): Promise<void> {
    const counts = (this.#written = { ...this.#written, ...more });
    const writes: readonly TableWrite[] = [
      this.#counts.write(encode(counts)),
      { table: this.#pending, key: Buffer.concat([prefixes[row.kind], row.key]), value: row.value },
    ];
    await this.#disk.commit(writes);
    this.#durable = higher(this.#durable, counts);
  }
}

function higher(a: DamageCounts, b: DamageCounts): DamageCounts {
  return {
    recordsDamaged: Math.max(a.recordsDamaged, b.recordsDamaged),
    recordsRepaired: Math.max(a.recordsRepaired, b.recordsRepaired),
    chunksDamaged: Math.max(a.chunksDamaged, b.chunksDamaged),
    chunksRepaired: Math.max(a.chunksRepaired, b.chunksRepaired),
  };
}

function encode(counts: DamageCounts): Buffer {
  const row = Buffer.allocUnsafe(rowBytes);
  const { recordsDamaged, recordsRepaired, chunksDamaged, chunksRepaired } = counts;
  let at = 0;
  for (const count of [recordsDamaged, recordsRepaired, chunksDamaged, chunksRepaired])
    at = row.writeDoubleLE(count, at);
  return row;
}

function decode(row: Buffer): DamageCounts | undefined {
  if (row.length !== rowBytes) return undefined;
  return {
    recordsDamaged: row.readDoubleLE(0),
    recordsRepaired: row.readDoubleLE(8),
    chunksDamaged: row.readDoubleLE(16),
    chunksRepaired: row.readDoubleLE(24),
  };
}
