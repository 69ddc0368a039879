/**
 * The floors of the partitions on this node: what remains of erased records (PROTOCOL.md, ERASE). Few, so all of them
 * are in memory. A floor that is on its way to the disk is not shown; what was erased under it waits for it.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { Disk, Table, TableWrite } from "@quorumfs/core";

const keyBytes = 4;
const rowBytes = 12;

export class Floors {
  readonly #table: Table;
  readonly #durable = new Map<number, number>();
  /** Including those that are not durable yet. */
  readonly #written = new Map<number, number>();
  /** Partitions whose floor cannot be read: nothing may be said about their files. */
  readonly #damaged = new Set<number>();

  constructor(disk: Disk) {
    this.#table = disk.table("floors");
    for (const { key, value } of this.#table.range({ start: new Uint8Array(keyBytes) })) {
      const partition = Buffer.from(key).readUInt32BE(0);
      const floor = decode(partition, Buffer.from(value));
      if (floor === undefined) this.#damaged.add(partition);
      else this.#durable.set(partition, floor);
    }
    for (const [partition, floor] of this.#durable) this.#written.set(partition, floor);
  }

  /** Partitions whose floor is damaged. */
  get damaged(): ReadonlySet<number> {
    return this.#damaged;
  }

  /** Undefined: one of them is damaged. */
  get highest(): number | undefined {
    return this.#damaged.size > 0 ? undefined : Math.max(0, ...this.#durable.values());
  }

  /**
   * Puts this node's ceiling in the place of each damaged floor: every floor was a promise once, so none was higher. It
   * counts at once, for until the writes are durable a restart comes to no lower one.
   */
  mend(ceiling: number): readonly TableWrite[] {
    const writes: TableWrite[] = [];
    for (const partition of this.#damaged) {
      writes.push(this.raise(partition, ceiling));
      this.#durable.set(partition, ceiling);
    }
    this.#damaged.clear();
    return writes;
  }

  /** @returns undefined if it is damaged */
  of(partition: number): number | undefined {
    if (this.#damaged.size > 0 && this.#damaged.has(partition)) return undefined;
    return this.#durable.get(partition) ?? 0;
  }

  /** The write that raises a partition's floor to at least `floor`, together with those that are under way. */
  raise(partition: number, floor: number): TableWrite {
    const highest = Math.max(floor, this.#written.get(partition) ?? 0);
    this.#written.set(partition, highest);
    return { table: this.#table, key: keyOf(partition), value: encode(partition, highest) };
  }

  /** The writes that forget partitions; to be followed by {@link onDropped}. */
  drop(partitions: Iterable<number>): readonly TableWrite[] {
    return [...partitions].map((partition) => ({ table: this.#table, key: keyOf(partition), value: undefined }));
  }

  /** The writes of {@link drop} are durable. */
  onDropped(partitions: Iterable<number>): void {
    for (const partition of partitions) {
      this.#durable.delete(partition);
      this.#written.delete(partition);
      this.#damaged.delete(partition);
    }
  }

  /** The write of {@link raise} is durable. */
  onDurable(partition: number, floor: number): void {
    this.#durable.set(partition, Math.max(floor, this.#durable.get(partition) ?? 0));
  }
}

function keyOf(partition: number): Buffer {
  const key = Buffer.allocUnsafe(keyBytes);
  key.writeUInt32BE(partition, 0);
  return key;
}

/** f64 floor, u32 CRC-32 started from the partition's number. */
function encode(partition: number, floor: number): Buffer {
  const row = Buffer.allocUnsafe(rowBytes);
  row.writeDoubleLE(floor, 0);
  row.writeUInt32LE(crc32(row.subarray(0, 8), partition), 8);
  return row;
}

function decode(partition: number, row: Buffer): number | undefined {
  if (row.length !== rowBytes || crc32(row.subarray(0, 8), partition) !== row.readUInt32LE(8)) return undefined;
  return row.readDoubleLE(0);
}
