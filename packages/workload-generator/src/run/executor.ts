import type { FileInfo } from "@quorumfs/client";
import { type Clock, QuorumError } from "@quorumfs/core";
import type { UniqueContent } from "../content/unique-content.js";
import type { Ending, Sample } from "../measure/measurements.js";
import type { OperationKind } from "../plan/mix.js";
import type { PlannedOperation } from "../plan/plan.js";
import type { FileSpace } from "./file-space.js";
import type { KnownFiles } from "./known-files.js";
import { type Attempt, type Recorder } from "./recorder.js";
import type { Target } from "./target.js";

/** Entries that a `list` of a state-query run asks for. */
const listEntriesMax = 100;

export interface ExecutorOptions {
  readonly target: Target;
  readonly files: FileSpace;
  readonly content: UniqueContent;
  readonly known: KnownFiles;
  readonly clock: Clock;
  /** What all stamps of this process begin with; unique among all processes of all runs. */
  readonly stampPrefix: string;
  /** Ids of the DataNodes, for questions about one of them. */
  readonly nodes: readonly number[];
  readonly timeoutMs: number;
  /** Records the history, if it is to be verified. */
  readonly recorder: Recorder | undefined;
}

/** What a state-query run asks. */
type Question = Extract<OperationKind, "stat" | "list" | "state" | "node state" | "under-replicated" | "nodes">;

/** Performs single operations and says how they went. Never throws: what fails is a result too. */
export class Executor {
  readonly #options: ExecutorOptions;
  #writes = 0;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  async execute(operation: PlannedOperation, intendedAt?: number): Promise<Sample> {
    const { clock } = this.#options;
    const startedAt = clock.nowMs();
    const { ending, bytes } = await this.#perform(operation, startedAt);
    const endedAt = clock.nowMs();
    const sample = { kind: operation.kind, startedAt, endedAt, ending, bytes };
    return intendedAt === undefined ? sample : { ...sample, intendedAt };
  }

  async #perform(operation: PlannedOperation, startedAt: number): Promise<{ ending: Ending; bytes: number }> {
    const { kind, file } = operation;
    switch (kind) {
      case "get":
        return this.#get(file, startedAt);
      case "put":
      case "put if absent":
      case "put if version":
      case "put if match":
        return this.#put(kind, file, operation.sizeBytes, startedAt);
      case "delete":
        return this.#delete(file, startedAt);
      case "stat":
      case "list":
      case "state":
      case "node state":
      case "under-replicated":
      case "nodes":
        return this.#ask(kind, file, operation.lot);
    }
  }

  async #get(file: number, startedAt: number): Promise<{ ending: Ending; bytes: number }> {
    const { target, files, content, known, recorder, timeoutMs } = this.#options;
    const attempt = recorder?.begin({ kind: "read", file: files.name(file) }, startedAt);
    try {
      const result = await target.get(files.name(file), { timeoutMs });
      if (recorder && attempt) {
        const value = content.identify(result.content);
        recorder.found(attempt, { value, version: result.file.version });
        known.saw(file, { value, version: result.file.version, etag: result.file.etag });
      }
      return { ending: "ok", bytes: result.content.length };
    } catch (thrown) {
      return this.#failed(file, attempt, thrown);
    }
  }

  async #put(
    kind: "put" | "put if absent" | "put if version" | "put if match",
    file: number,
    sizeBytes: number,
    startedAt: number,
  ): Promise<{ ending: Ending; bytes: number }> {
    const { target, files, content, known, recorder, timeoutMs, stampPrefix } = this.#options;
    const value = `${stampPrefix}${(this.#writes++).toString(36)}`;
    const bytes = content.make(value, sizeBytes);
    const before = known.get(file);
    const base = { timeoutMs };
    // Who knows no version can still demand that there is none.
    const [condition, options] =
      kind === "put"
        ? [undefined, base]
        : kind === "put if absent" || before === undefined
          ? [{ kind: "absent" } as const, { ...base, ifAbsent: true }]
          : kind === "put if version"
            ? [{ kind: "version", version: before.version } as const, { ...base, ifVersion: before.version }]
            : [{ kind: "value", value: before.value } as const, { ...base, ifMatch: before.etag }];
    const request = { kind: "write", file: files.name(file), value } as const;
    const attempt = recorder?.begin(condition ? { ...request, condition } : request, startedAt);
    try {
      const result = await target.put(files.name(file), bytes, options);
      if (attempt) this.#wrote(file, attempt, value, result.file);
      return { ending: "ok", bytes: sizeBytes };
    } catch (thrown) {
      const failed = this.#failed(file, attempt, thrown);
      // A put needs no file, so it is the bucket that is missing.
      if (failed.error.code !== "not_found") return failed;
      return { ending: failed.error, bytes: 0 };
    }
  }

  #wrote(file: number, attempt: Attempt, value: string, { version, etag }: FileInfo): void {
    this.#options.recorder?.done(attempt, version);
    this.#options.known.saw(file, { value, version, etag });
  }

  async #delete(file: number, startedAt: number): Promise<{ ending: Ending; bytes: number }> {
    const { target, files, known, recorder, timeoutMs } = this.#options;
    const attempt = recorder?.begin({ kind: "delete", file: files.name(file) }, startedAt);
    try {
      const { version } = await target.delete(files.name(file), { timeoutMs });
      if (attempt) recorder?.done(attempt, version);
      known.sawAbsent(file);
      return { ending: "ok", bytes: 0 };
    } catch (thrown) {
      return this.#failed(file, attempt, thrown);
    }
  }

  #failed(file: number, attempt: Attempt | undefined, thrown: unknown) {
    const error = QuorumError.from(thrown);
    if (attempt) this.#options.recorder?.failed(attempt, error);
    if (error.code === "not_found") this.#options.known.sawAbsent(file);
    const isAnswer = error.code === "not_found" || error.code === "precondition_failed";
    const ending: Ending = isAnswer ? "missed" : error;
    return { ending, bytes: 0, error };
  }

  async #ask(kind: Question, file: number, lot: number): Promise<{ ending: Ending; bytes: number }> {
    try {
      await this.#query(kind, file, lot);
      return { ending: "ok", bytes: 0 };
    } catch (thrown) {
      return this.#failed(file, undefined, thrown);
    }
  }

  async #query(kind: Question, file: number, lot: number): Promise<void> {
    const { target, files, nodes, timeoutMs } = this.#options;
    const options = { timeoutMs };
    const prefix = files.directory(file);
    switch (kind) {
      case "stat":
        await target.stat(files.name(file), options);
        return;
      case "list":
        await exhaust(target.list(files.bucket, { ...options, prefix, pageSize: listEntriesMax }), listEntriesMax);
        return;
      case "state":
        await exhaust(target.state({ ...options, bucket: files.bucket, prefix }), Infinity);
        return;
      case "node state": {
        const node = nodes[Math.floor(lot * nodes.length)];
        if (node === undefined) return;
        await exhaust(target.state({ ...options, bucket: files.bucket, prefix, node }), Infinity);
        return;
      }
      case "under-replicated": {
        const query = target.state({ ...options, bucket: files.bucket, prefix, health: "under_replicated" });
        await exhaust(query, Infinity);
        return;
      }
      case "nodes":
        await target.nodes(options);
        return;
    }
  }
}

async function exhaust(entries: AsyncIterable<unknown>, most: number): Promise<void> {
  let count = 0;
  for await (const _ of entries) {
    count += 1;
    if (count >= most) return;
  }
}
