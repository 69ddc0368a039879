import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import type { MutationOutcome } from "@quorumfs/workload-generator";
import type { Prng } from "../../simulation/prng.js";
import type { Coverage } from "../../simulation/coverage.js";
import type { World } from "../world/world.js";
import { nameOfEtag } from "./appends.js";
import { Contents } from "./contents.js";
import type { History } from "./history.js";

export interface WorkloadOptions {
  readonly world: World;
  readonly history: History;
  readonly contents: Contents;
  readonly coverage: Coverage;
  readonly buckets: readonly string[];
  readonly filesPerBucket: number;
  readonly largeShare: number;
  readonly thinkMs: number;
}

const kinds = {
  get: 32,
  put: 26,
  "put if version": 8,
  "put if absent": 5,
  "put if match": 3,
  append: 10,
  delete: 10,
  stat: 5,
  list: 7,
} as const;
type Kind = keyof typeof kinds;

/**
 * The one that is appended to where others may be large. What an append to a large file hashes with is made outside of the
 * promise jobs of this thread, and so at no time that a seed decides.
 */
const appendedFile = "file0";

interface Known {
  readonly version: number;
  readonly value: string | undefined;
}

/** Somebody who uses the SDK: one operation at a time on files that others use, too. Writes down what it sees. */
export class SimulatedUser {
  readonly #options: WorkloadOptions;
  readonly #name: string;
  readonly #client: QuorumFs;
  readonly #random: Prng;
  /** What it saw last of each file: conditions are made of it. */
  readonly #known = new Map<string, Known>();
  #writes = 0;

  constructor(options: WorkloadOptions & { readonly name: string; readonly client: QuorumFs; readonly random: Prng }) {
    this.#options = options;
    this.#name = options.name;
    this.#client = options.client;
    this.#random = options.random;
  }

  async work(operations: number): Promise<void> {
    const { world, thinkMs } = this.#options;
    for (let count = 0; count < operations; count += 1) {
      await this.#perform(this.#random.weighted(kinds));
      await world.sleep(this.#random.fraction() ** 2 * thinkMs);
    }
  }

  /** Reads a file until that succeeds. @throws QuorumError when it has failed for `timeoutMs` */
  async readAtLast(name: string, timeoutMs: number): Promise<void> {
    const { world } = this.#options;
    const endMs = world.nowMs + timeoutMs;
    for (;;) {
      const error = await this.#get(name);
      if (error === undefined) return;
      if (world.nowMs > endMs)
        throw new Error(`after healing, ${name} cannot be read: ${error.code}: ${error.message}`);
      await world.sleep(200);
    }
  }

  /** Writes a file until that succeeds. @throws Error when it has failed for `timeoutMs` */
  async writeAtLast(name: string, timeoutMs: number): Promise<void> {
    const { world } = this.#options;
    const endMs = world.nowMs + timeoutMs;
    for (;;) {
      const error = await this.#put("put", name);
      if (error === undefined) return;
      if (world.nowMs > endMs)
        throw new Error(`after healing, ${name} cannot be written: ${error.code}: ${error.message}`);
      await world.sleep(200);
    }
  }

  get #timeoutMs(): number {
    return this.#random.pick([300, 3_000, 10_000, 30_000]);
  }

  async #perform(kind: Kind): Promise<void> {
    const { buckets, filesPerBucket } = this.#options;
    const bucket = this.#random.pick(buckets);
    const name = `${bucket}/file${this.#random.below(filesPerBucket)}`;
    switch (kind) {
      case "get":
        await this.#get(name);
        break;
      case "stat":
        await this.#stat(name);
        break;
      case "list":
        await this.#list(bucket);
        break;
      case "delete":
        await this.#delete(name);
        break;
      case "append":
        await this.#append(this.#isLarge(name) ? `${bucket}/${appendedFile}` : name);
        break;
      case "put":
      case "put if version":
      case "put if absent":
      case "put if match":
        await this.#put(kind, name);
        break;
    }
  }

  async #get(name: string): Promise<QuorumError | undefined> {
    const { history, contents } = this.#options;
    const attempt = history.begin(this.#name, { kind: "read", file: name });
    try {
      const { file, content } = await this.#client.get(name, { timeoutMs: this.#timeoutMs });
      const value = contents.identify(content);
      if (value === undefined) throw new Error(`${this.#name} got bytes from ${name} that nobody ever wrote`);
      this.#known.set(name, { version: file.version, value });
      this.#count("get", "done");
      history.read(attempt, { kind: "found", value, version: file.version });
      return undefined;
    } catch (thrown) {
      const error = this.#expected(thrown);
      this.#count("get", error.code);
      history.read(attempt, error.code === "not_found" ? { kind: "absent" } : { kind: "failed" });
      if (error.code === "not_found") this.#known.delete(name);
      return error.code === "not_found" ? undefined : error;
    }
  }

  async #stat(name: string): Promise<void> {
    const { history, contents } = this.#options;
    const attempt = history.begin(this.#name, { kind: "read", file: name });
    try {
      const { file } = await this.#client.stat(name, { timeoutMs: this.#timeoutMs });
      const value = nameOfEtag(contents, file.etag);
      this.#known.set(name, { version: file.version, value: contents.nameByEtag(file.etag) });
      this.#count("stat", "done");
      history.read(attempt, { kind: "found", value, version: file.version });
    } catch (thrown) {
      const error = this.#expected(thrown);
      this.#count("stat", error.code);
      history.read(attempt, error.code === "not_found" ? { kind: "absent" } : { kind: "failed" });
    }
  }

  /** Each file that could be there is read by it: listed with a version, or not there, at some instant within the call. */
  async #list(bucket: string): Promise<void> {
    const { world, history, contents, filesPerBucket } = this.#options;
    const startedAt = world.nowMs;
    const seen = new Map<string, { readonly version: number; readonly value: string }>();
    try {
      const options = { timeoutMs: this.#timeoutMs, pageSize: this.#random.pick([1, 2, 1000]) };
      let last = "";
      for await (const entry of this.#client.list(bucket, options)) {
        if (entry.kind !== "file") throw new Error(`${entry.name}: a prefix in a listing that did not ask for one`);
        if (entry.path <= last) throw new Error(`a listing of ${bucket} names ${entry.path} behind ${last}`);
        last = entry.path;
        const value = nameOfEtag(contents, entry.etag);
        seen.set(entry.name, { version: entry.version, value });
      }
    } catch (thrown) {
      this.#count("list", this.#expected(thrown).code);
      return;
    }
    this.#count("list", "done");
    for (let index = 0; index < filesPerBucket; index += 1) {
      const file = `${bucket}/file${index}`;
      const found = seen.get(file);
      const outcome = found ? ({ kind: "found", ...found } as const) : ({ kind: "absent" } as const);
      history.addRead({ client: `${this.#name} (listing)`, file, startedAt, outcome });
    }
  }

  async #put(
    kind: "put" | "put if version" | "put if absent" | "put if match",
    name: string,
  ): Promise<QuorumError | undefined> {
    const { history, contents, largeShare } = this.#options;
    this.#writes += 1;
    const value = `${this.#name}-${this.#writes}`;
    const isLarge = this.#isLarge(name) && this.#random.chance(largeShare);
    const size = isLarge ? Contents.largeSize(this.#random.below(2_000)) : this.#random.below(300);
    const content = contents.make(value, size);
    const known = this.#known.get(name);
    const condition = conditionOf(kind, known);
    const attempt = history.begin(this.#name, { kind: "write", file: name, value, ...(condition && { condition }) });
    const given =
      condition === undefined
        ? {}
        : condition.kind === "absent"
          ? { ifAbsent: true }
          : condition.kind === "version"
            ? { ifVersion: condition.version }
            : { ifMatch: contents.etagOf(condition.value) };
    const counted = isLarge ? "large put" : kind;
    let repeat: { readonly requestId: string; readonly mayHaveRun: true } | undefined;
    for (;;) {
      try {
        const { file } = await this.#client.put(name, content, { timeoutMs: this.#timeoutMs, ...given, ...repeat });
        this.#known.set(name, { version: file.version, value });
        this.#count(repeat ? `${counted} again` : counted, "done");
        history.mutated(attempt, { kind: "done", version: file.version });
        return undefined;
      } catch (thrown) {
        const error = this.#expected(thrown);
        this.#count(repeat ? `${counted} again` : counted, error.code);
        const { requestId } = error.details;
        if (error.code === "unknown_outcome" && requestId !== undefined && this.#random.chance(0.5)) {
          repeat = { requestId, mayHaveRun: true };
          continue;
        }
        const outcome = outcomeOf(error, "write");
        // That the repetition had no effect says nothing of the attempts before it.
        history.mutated(attempt, repeat && outcome.kind === "failed" ? { kind: "unknown" } : outcome);
        return error;
      }
    }
  }

  async #append(name: string): Promise<void> {
    const { history, contents } = this.#options;
    this.#writes += 1;
    const piece = `${this.#name}-${this.#writes}`;
    const content = contents.make(piece, this.#random.below(300));
    const attempt = history.begin(this.#name, { kind: "append", file: name, piece });
    try {
      const { file } = await this.#client.append(name, content, { timeoutMs: this.#timeoutMs });
      this.#known.set(name, { version: file.version, value: contents.nameByEtag(file.etag) });
      this.#count("append", "done");
      history.appended(attempt, { kind: "done", version: file.version, etag: file.etag });
    } catch (thrown) {
      const error = this.#expected(thrown);
      this.#count("append", error.code);
      // The condition of an append is its own affair.
      if (error.code === "precondition_failed") throw error;
      history.appended(attempt, { kind: outcomeOf(error, "write").kind === "failed" ? "failed" : "unknown" });
    }
  }

  /** Whether a file may be large. */
  #isLarge(name: string): boolean {
    return this.#options.largeShare > 0 && !name.endsWith(`/${appendedFile}`);
  }

  async #delete(name: string): Promise<void> {
    const { history } = this.#options;
    const attempt = history.begin(this.#name, { kind: "delete", file: name });
    try {
      const { version } = await this.#client.delete(name, { timeoutMs: this.#timeoutMs });
      this.#known.delete(name);
      this.#count("delete", "done");
      history.mutated(attempt, { kind: "done", version });
    } catch (thrown) {
      const error = this.#expected(thrown);
      this.#count("delete", error.code);
      history.mutated(attempt, outcomeOf(error, "delete"));
    }
  }

  #count(kind: string, outcome: string): void {
    this.#options.coverage.count(`operation: ${kind}: ${outcome}`);
  }

  /** What the SDK may fail with. @throws all else: it is a fault of ours */
  #expected(thrown: unknown): QuorumError {
    if (!(thrown instanceof QuorumError)) throw thrown;
    if (thrown.code === "internal" || thrown.code === "invalid_argument" || thrown.code === "permission_denied")
      throw thrown;
    return thrown;
  }
}

function conditionOf(kind: Kind, known: Known | undefined) {
  if (kind === "put if absent") return { kind: "absent" } as const;
  if (kind === "put if version" && known) return { kind: "version", version: known.version } as const;
  if (kind === "put if match" && known?.value !== undefined) return { kind: "value", value: known.value } as const;
  return undefined;
}

/** What an error of a mutation says about its effect, by what the SDK promises of each code. */
function outcomeOf(error: QuorumError, kind: "write" | "delete"): MutationOutcome {
  switch (error.code) {
    case "unknown_outcome":
    case "corrupt":
    case "internal":
      return { kind: "unknown" };
    case "precondition_failed": {
      const { currentVersion } = error.details;
      return { kind: "condition_failed", ...(currentVersion === undefined ? {} : { currentVersion }) };
    }
    case "not_found":
      return kind === "delete" ? { kind: "condition_failed", currentVersion: 0 } : { kind: "failed" };
    case "unavailable":
    case "resource_exhausted":
    case "quorum_unavailable":
    case "cancelled":
    case "invalid_argument":
    case "permission_denied":
      return { kind: "failed" };
  }
}
