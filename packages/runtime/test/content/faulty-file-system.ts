import type { FileSystem, OpenDirectory, OpenFile } from "@quorumfs/runtime";

export type Operation =
  | "create"
  | "open"
  | "openDirectory"
  | "link"
  | "rename"
  | "unlink"
  | "makeDirectory"
  | "removeDirectory"
  | "list"
  | "size"
  | "write"
  | "read"
  | "sync"
  | "close"
  | "syncDirectory";

export interface Step {
  readonly operation: Operation;
  readonly path: string;
}

/** A real file system that counts, and that a test can make fail or wait. */
export class FaultyFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  /** What was done, in order. */
  readonly steps: Step[] = [];
  /** Descriptors that are open. */
  descriptors = 0;
  #fault: (step: Step) => string | undefined = () => undefined;
  #gate: (step: Step) => Promise<void> | undefined = () => undefined;

  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** From now on steps fail for which `fault` names a code. */
  failWhen(fault: (step: Step) => string | undefined): void {
    this.#fault = fault;
  }

  /** From now on steps wait for what `gate` returns. */
  waitWhen(gate: (step: Step) => Promise<void> | undefined): void {
    this.#gate = gate;
  }

  count(operation: Operation): number {
    return this.steps.filter((step) => step.operation === operation).length;
  }

  async create(path: string): Promise<OpenFile> {
    return this.#file(await this.#step("create", path, () => this.#inner.create(path)), path);
  }

  async open(path: string): Promise<OpenFile> {
    return this.#file(await this.#step("open", path, () => this.#inner.open(path)), path);
  }

  async openDirectory(path: string): Promise<OpenDirectory> {
    const directory = await this.#step("openDirectory", path, () => this.#inner.openDirectory(path));
    this.descriptors += 1;
    return {
      sync: () => this.#step("syncDirectory", path, () => directory.sync()),
      close: () => this.#close(path, directory),
    };
  }

  link(path: string, newPath: string): Promise<void> {
    return this.#step("link", newPath, () => this.#inner.link(path, newPath));
  }

  rename(path: string, newPath: string): Promise<void> {
    return this.#step("rename", newPath, () => this.#inner.rename(path, newPath));
  }

  unlink(path: string): Promise<void> {
    return this.#step("unlink", path, () => this.#inner.unlink(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#step("makeDirectory", path, () => this.#inner.makeDirectory(path));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#step("removeDirectory", path, () => this.#inner.removeDirectory(path));
  }

  list(path: string): Promise<readonly string[]> {
    return this.#step("list", path, () => this.#inner.list(path));
  }

  size(path: string): Promise<number> {
    return this.#step("size", path, () => this.#inner.size(path));
  }

  space(path: string): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.#inner.space(path);
  }

  #file(file: OpenFile, path: string): OpenFile {
    this.descriptors += 1;
    return {
      write: (bytes, position) => this.#step("write", path, () => file.write(bytes, position)),
      read: (target, position) => this.#step("read", path, () => file.read(target, position)),
      sync: () => this.#step("sync", path, () => file.sync()),
      close: () => this.#close(path, file),
    };
  }

  async #close(path: string, file: { close(): Promise<void> }): Promise<void> {
    await this.#step("close", path, () => file.close());
    this.descriptors -= 1;
  }

  async #step<T>(operation: Operation, path: string, action: () => Promise<T>): Promise<T> {
    const step = { operation, path };
    this.steps.push(step);
    await this.#gate(step);
    const code = this.#fault(step);
    if (code !== undefined) throw Object.assign(new Error(`${code}: made up, ${operation} '${path}'`), { code });
    return action();
  }
}
