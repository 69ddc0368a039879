/** A file that is being written; it exists for others only once it is published. */
export interface ContentDraft {
  /** Appends; resolves when the bytes may be reused by the caller. One write at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the file durable under its final name: fsync, rename, fsync of the directory; drafts that are published at the
   * same time share what can be shared. Nothing is ever replaced or truncated.
   *
   * @returns where it lies, for {@link ContentFiles.read} and {@link ContentFiles.remove}
   * @throws QuorumError `internal` if an fsync failed: nobody knows what the disk holds then, and the process must go
   */
  publish(): Promise<string>;
  /** Drops what was written. Does nothing after `publish`. Never throws. */
  discard(): Promise<void>;
}

/**
 * Immutable files of bytes on one disk, for content that does not fit into records. Names are given by the caller
 * (hashes); a file is found again by the place that `publish` returned.
 */
export interface ContentFiles {
  /**
   * @param name lower-case hexadecimal, 1 to 64 digits; unique per published file
   * @throws QuorumError `resource_exhausted` from `write` when the disk is full
   */
  create(name: string): ContentDraft;
  /**
   * Bytes from `offset` into `target`, as many as there are up to its length.
   *
   * @returns how many; undefined if there is no such file
   */
  read(place: string, offset: number, target: Uint8Array): Promise<number | undefined>;
  /** Bytes of the file; undefined if there is none. */
  size(place: string): Promise<number | undefined>;
  /** Removes files; those that are not there are no error. Not durable at once: after a crash they may be there again. */
  remove(places: readonly string[]): Promise<void>;
  /** Takes a damaged file out of the way, under `quarantine/`, for people to look at; bounded, the oldest go first. */
  quarantine(place: string): Promise<void>;
  /** Every published file, in no order; leftovers of unpublished drafts were removed when the store was opened. */
  list(): AsyncIterable<string>;
  /** Bytes free and in all on the volume. */
  space(): { readonly freeBytes: number; readonly totalBytes: number };
  /** Waits for what is under way. Idempotent. */
  close(): Promise<void>;
}
