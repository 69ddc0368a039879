import { close, fdatasync, fsync, open, read, statfsSync, write } from "node:fs";
import { link, mkdir, readdir, rename, rmdir, stat, unlink } from "node:fs/promises";
import type { FileSystem, OpenDirectory, OpenFile } from "../content/file-system.js";

/** The operating system's files. Plain descriptors: `FileHandle` costs a multiple of them for each small operation. */
export const nodeFileSystem: FileSystem = {
  create: async (path) => new NodeFile(await descriptorOf(path, "wx")),
  open: async (path) => new NodeFile(await descriptorOf(path, "r")),
  openDirectory: async (path) => {
    // Windows has no fsync of directories; it keeps their entries in order by itself.
    if (process.platform === "win32") return nothingToSync;
    return new NodeDirectory(await descriptorOf(path, "r"));
  },
  link,
  rename,
  unlink,
  makeDirectory: (path) => mkdir(path),
  removeDirectory: rmdir,
  list: (path) => readdir(path),
  size: async (path) => (await stat(path)).size,
  space: (path) => {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};

const nothingToSync: OpenDirectory = { sync: async () => undefined, close: async () => undefined };

class NodeFile implements OpenFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#descriptor, bytes, 0, bytes.byteLength, position, (error, written) => {
        if (error) reject(error);
        else resolve(written);
      });
    });
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, 0, target.byteLength, position, (error, taken) => {
        if (error) reject(error);
        else resolve(taken);
      });
    });
  }

  sync(): Promise<void> {
    return settled((done) => fdatasync(this.#descriptor, done));
  }

  close(): Promise<void> {
    return settled((done) => close(this.#descriptor, done));
  }
}

class NodeDirectory implements OpenDirectory {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  sync(): Promise<void> {
    return settled((done) => fsync(this.#descriptor, done));
  }

  close(): Promise<void> {
    return settled((done) => close(this.#descriptor, done));
  }
}

function descriptorOf(path: string, flags: "wx" | "r"): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, 0o644, (error, descriptor) => {
      if (error) reject(error);
      else resolve(descriptor);
    });
  });
}

function settled(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
