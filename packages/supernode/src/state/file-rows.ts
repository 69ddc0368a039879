/** Rows of files as objects, where they have to be merged or taken apart. Pure. */
import { comparePaths, type NodeId } from "@quorumfs/core";
import type { FileColumns } from "@quorumfs/proto";

const numberBytes = 8;
const etagBytes = 32;
const partitionBytes = 4;

export interface FileRow {
  readonly path: string;
  readonly version: number;
  readonly size: number;
  readonly modifiedAtMs: number;
  readonly etag: Uint8Array;
  readonly holders: readonly NodeId[];
  readonly behind: readonly NodeId[];
  readonly isUnderReplicated: boolean;
}

/** One row of columns; `partition` is 0 where they do not say. */
export type ColumnRow = Omit<FileRow, "holders" | "behind" | "isUnderReplicated"> & { readonly partition: number };

const utf8 = new TextDecoder();

export function* rowsOf(columns: FileColumns): Generator<ColumnRow> {
  if (columns.count === 0) return;
  const versions = viewOf(columns.versions);
  const sizes = viewOf(columns.sizes);
  const modified = viewOf(columns.modifiedAtMs);
  const partitions = viewOf(columns.partitions);
  for (const [index, path] of utf8.decode(columns.paths).split("\n").entries()) {
    const at = index * numberBytes;
    yield {
      path,
      version: versions.getFloat64(at, true),
      size: sizes.getFloat64(at, true),
      modifiedAtMs: modified.getFloat64(at, true),
      etag: columns.etags.subarray(index * etagBytes, (index + 1) * etagBytes),
      partition: partitions.byteLength === 0 ? 0 : partitions.getUint32(index * partitionBytes, true),
    };
  }
}

/** The number of the partition of each row. */
export function* partitionsOf(columns: FileColumns): Generator<number> {
  const partitions = viewOf(columns.partitions);
  for (let index = 0; index < columns.count; index += 1) yield partitions.getUint32(index * partitionBytes, true);
}

export function totalSize(columns: FileColumns): number {
  const sizes = viewOf(columns.sizes);
  let total = 0;
  for (let index = 0; index < columns.count; index += 1) total += sizes.getFloat64(index * numberBytes, true);
  return total;
}

export function columnsOf(rows: readonly FileRow[]): FileColumns {
  const versions = new DataView(new ArrayBuffer(rows.length * numberBytes));
  const sizes = new DataView(new ArrayBuffer(rows.length * numberBytes));
  const modified = new DataView(new ArrayBuffer(rows.length * numberBytes));
  const etags = new Uint8Array(rows.length * etagBytes);
  for (const [index, row] of rows.entries()) {
    const at = index * numberBytes;
    versions.setFloat64(at, row.version, true);
    sizes.setFloat64(at, row.size, true);
    modified.setFloat64(at, row.modifiedAtMs, true);
    etags.set(row.etag, index * etagBytes);
  }
  return {
    count: rows.length,
    paths: new TextEncoder().encode(rows.map(({ path }) => path).join("\n")),
    versions: new Uint8Array(versions.buffer),
    sizes: new Uint8Array(sizes.buffer),
    modifiedAtMs: new Uint8Array(modified.buffer),
    etags,
    partitions: new Uint8Array(0),
  };
}

export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return comparePaths(a.path, b.path);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
