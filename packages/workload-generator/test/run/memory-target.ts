import { createHash } from "node:crypto";
import type { DeleteOptions, FileInfo, PutOptions, QuorumFs, StateQuery } from "@quorumfs/client";
import { type Clock, QuorumError } from "@quorumfs/core";
import type { Target } from "../../src/run/target.js";

interface Stored {
  readonly content: Uint8Array;
  readonly info: FileInfo;
}

/** What a test does to an operation: wait, throw before or after it took effect, or read the past. */
export interface Mischief {
  readonly delayMs?: number;
  readonly failBefore?: QuorumError;
  readonly failAfter?: QuorumError;
  readonly stale?: boolean;
}

/** A file system in memory that can misbehave. */
export class MemoryTarget implements Target, AsyncDisposable {
  readonly calls: string[] = [];
  readonly #clock: Clock;
  readonly #mischief: (operation: string, name: string) => Mischief;
  readonly #files = new Map<string, Stored>();
  readonly #past = new Map<string, Stored>();
  #version = 0;

  constructor(clock: Clock, mischief: (operation: string, name: string) => Mischief = () => ({})) {
    this.#clock = clock;
    this.#mischief = mischief;
  }

  get names(): readonly string[] {
    return [...this.#files.keys()];
  }

  async put(name: string, content: Uint8Array | string, options: PutOptions = {}) {
    return this.#perform("put", name, () => {
      const current = this.#files.get(name);
      this.#require(current, options, options.ifAbsent);
      const bytes = Buffer.from(content);
      const stored = { content: bytes, info: this.#infoOf(name, bytes) };
      if (current) this.#past.set(name, current);
      this.#files.set(name, stored);
      return { file: stored.info, ...vote };
    });
  }

  async get(name: string) {
    return this.#perform("get", name, ({ stale }) => {
      const stored = (stale ? this.#past.get(name) : undefined) ?? this.#find(name);
      return { file: stored.info, content: stored.content, offset: 0, ...vote };
    });
  }

  async stat(name: string) {
    return this.#perform("stat", name, () => ({ file: this.#find(name).info, ...vote }));
  }

  async delete(name: string, options: DeleteOptions = {}) {
    return this.#perform("delete", name, () => {
      this.#require(this.#find(name), options);
      this.#files.delete(name);
      this.#version += 1;
      return { version: this.#version, ...vote };
    });
  }

  async *list(bucket: string, options: { prefix?: string } = {}): ReturnType<QuorumFs["list"]> {
    const entries = await this.#perform("list", `${bucket}/${options.prefix ?? ""}`, () => [...this.#files.values()]);
    for (const { info } of entries) yield { kind: "file", ...info };
  }

  state(options: { bucket?: string; prefix?: string; node?: number } = {}): StateQuery {
    const what = options.node === undefined ? "state" : `state of ${options.node}`;
    const query = this.#perform(what, `${options.bucket}/${options.prefix}`, () => []);
    const summary = { files: 0, bytes: 0, underReplicated: 0, unreachable: [] };
    return {
      summary: undefined,
      next: undefined,
      filesSoFar: 0,
      totals: async () => query.then(() => summary),
      async *[Symbol.asyncIterator]() {
        yield* await query;
      },
    };
  }

  async nodes() {
    return this.#perform("nodes", "", () => [1, 2, 3].map(nodeInfo));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.calls.push("close");
  }

  async #perform<T>(operation: string, name: string, effect: (mischief: Mischief) => T): Promise<T> {
    this.calls.push(`${operation} ${name}`.trim());
    const mischief = this.#mischief(operation, name);
    if (mischief.failBefore) throw mischief.failBefore;
    const result = effect(mischief);
    const { delayMs } = mischief;
    if (delayMs !== undefined) await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
    if (mischief.failAfter) throw mischief.failAfter;
    return result;
  }

  #find(name: string): Stored {
    const stored = this.#files.get(name);
    if (stored) return stored;
    throw new QuorumError({ code: "not_found", message: `there is no ${name}` });
  }

  #require(current: Stored | undefined, { ifVersion, ifMatch }: DeleteOptions, ifAbsent = false): void {
    const holds =
      (ifVersion === undefined || current?.info.version === ifVersion) &&
      (ifMatch === undefined || current?.info.etag === ifMatch) &&
      (!ifAbsent || current === undefined);
    if (holds) return;
    throw new QuorumError({
      code: "precondition_failed",
      message: "the condition does not hold",
      details: { currentVersion: current?.info.version ?? 0 },
    });
  }

  #infoOf(name: string, content: Uint8Array): FileInfo {
    this.#version += 1;
    const slash = name.indexOf("/");
    return {
      name,
      bucket: name.slice(0, slash),
      path: name.slice(slash + 1),
      version: this.#version,
      size: content.length,
      etag: createHash("sha256").update(content).digest("hex"),
      modifiedAt: new Date(0),
      attributes: {},
    };
  }
}

const vote = { acknowledged: [1, 2], replicas: [1, 2, 3], durability: "fsync" } as const;

function nodeInfo(id: number) {
  return {
    id,
    address: `127.0.0.1:${7000 + id}`,
    zone: "default",
    role: "active" as const,
    state: "up" as const,
    stateSince: new Date(0),
    capacityBytes: 1,
    incarnation: 1,
    version: "0",
    metricsAddress: undefined,
    load: undefined,
  };
}
