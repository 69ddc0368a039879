/**
 * Removes everything that a node has of some partitions: records, contents and promises, in commits that are small enough for
 * votes to go on between them. Keys are bucket and path, so this goes through all records; for many partitions as fast as for one.
 */
import { Buffer } from "node:buffer";
import { type Clock, type Disk, partitionOf, type TableWrite } from "@quorumfs/core";
import { asBuffer } from "./as-buffer.js";
import type { FileTable } from "./file-table.js";
import { behindKey, bucketOfKey, type KeyRange, pathOfKey, wholeRange } from "./record-key.js";

/** Rows that are looked at in one turn of the event loop: a millisecond or two. */
const rowsPerTurn = 512;

export interface PartitionDropOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly files: FileTable;
  /** How many partitions there are. */
  readonly partitionCount: number | undefined;
  readonly partitions: ReadonlySet<number>;
  readonly signal: AbortSignal;
  /** Called after each commit. */
  readonly pause: () => Promise<void>;
}

/** Resolves when everything is gone, durably, or when `signal` is aborted. @throws if the disk failed */
export async function dropRows(options: PartitionDropOptions): Promise<void> {
  const { files } = options;
  await sweep(options, files.records, (row) => files.dropRecord(row));
  await sweep(options, files.promises, ({ key }) => files.dropPromiseOf(key));
}

async function sweep(
  { disk, clock, partitionCount, partitions, signal, pause }: PartitionDropOptions,
  table: FileTable["records"],
  drop: (row: { readonly key: Buffer; readonly value: Buffer }) => readonly TableWrite[],
): Promise<void> {
  let range: KeyRange | undefined = wholeRange;
  while (range && !signal.aborted) {
    const writes: TableWrite[] = [];
    let rows = 0;
    let last: Buffer | undefined;
    for (const { key, value } of table.range(range)) {
      const row = { key: asBuffer(key), value: asBuffer(value) };
      if (partitions.has(partitionOf(bucketOfKey(row.key), pathOfKey(row.key), partitionCount))) {
        writes.push(...drop({ key: Buffer.from(key), value: row.value }));
      }
      rows += 1;
      if (rows < rowsPerTurn) continue;
      last = Buffer.from(key);
      break;
    }
    if (writes.length > 0) {
      await disk.commit(writes);
      await pause();
    } else await new Promise<void>((resolve) => clock.endOfTurn(resolve));
    range = last && behindKey(range, last);
  }
}
