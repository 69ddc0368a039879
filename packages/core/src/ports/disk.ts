/** One change within a commit. `value: undefined` removes the key. */
export interface TableWrite {
  readonly table: Table;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** The bounds of a scan, in byte order of keys. */
export interface TableRange {
  /** First key, inclusive. */
  readonly start: Uint8Array;
  /** First key that no longer belongs to the range; without it the scan runs to the table's end. */
  readonly end?: Uint8Array;
  /** Walks from the highest key down instead. */
  readonly reverse?: boolean;
}

/**
 * An ordered map of byte keys (1 to 1,978 bytes) to byte values. Reads see a commit when its promise has resolved; before
 * that they may see it or not, durable or not.
 */
export interface Table {
  readonly name: string;
  /** A copy of the value that the caller may keep. */
  get(key: Uint8Array): Uint8Array | undefined;
  /**
   * Entries in key order, read lazily: stop iterating to stop reading. The scan may see writes that are made meanwhile.
   * A value is only valid until the next step; copy what is to be kept.
   */
  range(range: TableRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
  /** Number of keys; cheap enough for every second. */
  count(): number;
}

/**
 * A transactional store on one disk.
 *
 * `commit` is atomic, and its promise resolves when everything in it is **durable** (fsynced): commits that are
 * under way at the same time share an fsync. It rejects when the disk refused; the store is then unusable, for after
 * a failed fsync nobody knows what the disk holds (Rebello et al., USENIX ATC 2020), and the process must stop acknowledging.
 */
export interface Disk {
  table(name: string): Table;
  commit(writes: readonly TableWrite[]): Promise<void>;
  /**
   * How many groups of commits have become durable since the store was made: it grows with every commit, and never goes
   * back over restarts and crashes. A store that shows less than it did before is an old copy.
   */
  readonly commits: number;
  /** Bytes free and in all on the volume that holds the store. */
  space(): { readonly freeBytes: number; readonly totalBytes: number };
  /** Waits for running commits, then releases the store. Idempotent. */
  close(): Promise<void>;
}
