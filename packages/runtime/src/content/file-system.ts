/**
 * What the content store needs of a file system, so that a test can be one that fails. Errors are the system's own, with
 * their `code` (`ENOSPC`).
 */
export interface FileSystem {
  /** Makes a file that must not be there yet. */
  create(path: string): Promise<OpenFile>;
  /** Opens a file for reading. */
  open(path: string): Promise<OpenFile>;
  openDirectory(path: string): Promise<OpenDirectory>;
  /** Gives a file a second name; never replaces another. */
  link(path: string, newPath: string): Promise<void>;
  rename(path: string, newPath: string): Promise<void>;
  unlink(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Fails unless it is empty. */
  removeDirectory(path: string): Promise<void>;
  /** Names in a directory, in no order. */
  list(path: string): Promise<readonly string[]>;
  size(path: string): Promise<number>;
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number };
}

export interface OpenFile {
  /** Returns how many of the bytes were taken. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Returns how many bytes were put into `target`; 0 at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Content and length are durable when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenDirectory {
  /** The names in it are durable when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
