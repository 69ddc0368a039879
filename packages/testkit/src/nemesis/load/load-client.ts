/**
 * The workload of one client process: reads, writes, conditional writes, deletes and lists of a few files that all clients
 * fight for, small ones and ones of many chunks. Every content differs from all others, so that each read tells which write it
 * saw.
 */
import type { QuorumFs } from "@quorumfs/client";
import { type Clock, QuorumError } from "@quorumfs/core";
import {
  drive,
  type MutationOutcome,
  type Operation,
  type OperationCondition,
  outcomeOf,
  seededDraw,
  UniqueContent,
} from "@quorumfs/workload-generator";
import type { BegunMutation, ClientTask, FromClient } from "./messages.js";

/** Operations of one client under way at once; those on big files, of which each may hold tens of MiB, are fewer. */
const concurrency = 12;
const bigConcurrency = 2;
/** Where W = N operations wait for a replica that is away. Were all of them that, the others would look as if they waited, too. */
const narrowConcurrency = 3;
const smallBytes = { least: 100, most: 6_000 } as const;
/** Now and then a content that is just small enough to travel with a vote. */
const largestInline = 128 * 1024;
const bigBytesMin = 200_000;

/** Of a hundred operations. */
const mix = [
  ["get", 38],
  ["put", 24],
  ["put if absent", 7],
  ["put if version", 9],
  ["put if match", 4],
  ["delete", 6],
  ["list", 4],
  ["get big", 5],
  ["put big", 3],
] as const;
type Kind = (typeof mix)[number][0];

interface Planned {
  readonly kind: Kind;
  readonly file: string;
  readonly sizeBytes: number;
}

interface Seen {
  readonly version: number;
  readonly etag: string;
}

interface LoadClientOptions {
  readonly task: ClientTask;
  readonly client: QuorumFs;
  readonly clock: Clock;
  /** SHA-256 in hexadecimal. */
  readonly hash: (bytes: Uint8Array) => string;
  /** Resolves when the message will arrive whatever becomes of this process. */
  readonly tell: (message: FromClient) => Promise<void>;
}

export class LoadClient {
  readonly #options: LoadClientOptions;
  readonly #draw: () => number;
  readonly #content: UniqueContent;
  readonly #seen = new Map<string, Seen>();
  #mutations = 0;
  #bigUnderWay = 0;
  #narrowUnderWay = 0;

  constructor(options: LoadClientOptions) {
    const { task } = options;
    this.#options = options;
    this.#draw = seededDraw(task.seed);
    this.#content = new UniqueContent({ draw: seededDraw(1), contentBytesMax: task.files.bigBytesMax });
  }

  /** Begins; resolves when it has come to its end after `stop`. */
  start(): { readonly ended: Promise<void>; stop(): void } {
    return drive<Planned>({
      next: () => this.#plan(),
      perform: (operation) => this.#perform(operation),
      concurrency,
      ratePerSecond: this.#options.task.operationsPerSecond,
      durationMs: undefined,
      clock: this.#options.clock,
    });
  }

  #plan(): Planned {
    const { files } = this.#options.task;
    let kind = this.#drawKind();
    if ((kind === "get big" || kind === "put big") && this.#bigUnderWay >= bigConcurrency) kind = "get";
    const isBig = kind === "get big" || kind === "put big";
    const all = isBig ? files.big : kind === "list" ? files.directories.map(({ name }) => name) : files.small;
    const among = this.#narrowUnderWay < narrowConcurrency ? all : all.filter((file) => !this.#needsAll(file));
    const file = among[Math.floor(this.#draw() * among.length)] ?? "";
    return { kind, file, sizeBytes: this.#drawSize(isBig) };
  }

  /** A read that finds replicas in different states writes back, which needs W of them. */
  #needsAll(file: string): boolean {
    return file.startsWith(`${this.#options.task.files.narrowBucket}/`);
  }

  #drawKind(): Kind {
    let lot = this.#draw() * mix.reduce((sum, [, share]) => sum + share, 0);
    for (const [kind, share] of mix) {
      lot -= share;
      if (lot < 0) return kind;
    }
    return "get";
  }

  #drawSize(isBig: boolean): number {
    const { bigBytesMax } = this.#options.task.files;
    if (isBig) return Math.floor(bigBytesMin + this.#draw() ** 2 * (bigBytesMax - bigBytesMin));
    if (this.#draw() < 0.01) return largestInline;
    return Math.floor(smallBytes.least + this.#draw() * (smallBytes.most - smallBytes.least));
  }

  async #perform(operation: Planned): Promise<void> {
    const { kind, file } = operation;
    const isBig = kind === "get big" || kind === "put big";
    const isNarrow = this.#needsAll(file);
    if (isBig) this.#bigUnderWay += 1;
    if (isNarrow) this.#narrowUnderWay += 1;
    try {
      await this.#execute(operation, isBig);
    } finally {
      if (isBig) this.#bigUnderWay -= 1;
      if (isNarrow) this.#narrowUnderWay -= 1;
    }
  }

  #execute({ kind, file, sizeBytes }: Planned, isBig: boolean): Promise<void> {
    const timeoutMs = this.#options.task.timeoutMs * (isBig ? 3 : 1);
    switch (kind) {
      case "get":
      case "get big":
        return this.#get(file, timeoutMs);
      case "list":
        return this.#list(file, timeoutMs);
      case "delete":
        return this.#delete(file, timeoutMs);
      case "put":
      case "put big":
        return this.#put({ file, sizeBytes, timeoutMs, condition: undefined });
      case "put if absent":
      case "put if version":
      case "put if match":
        return this.#put({ file, sizeBytes, timeoutMs, condition: this.#condition(kind, file) });
    }
  }

  /** Who knows no version can still demand that there is none. */
  #condition(kind: "put if absent" | "put if version" | "put if match", file: string): OperationCondition {
    const seen = this.#seen.get(file);
    if (kind === "put if absent" || !seen) return { kind: "absent" };
    return kind === "put if version" ? { kind: "version", version: seen.version } : { kind: "value", value: seen.etag };
  }

  async #get(file: string, timeoutMs: number): Promise<void> {
    const { client, clock, hash } = this.#options;
    const startedAt = clock.nowMs();
    const read = (outcome: Extract<Operation, { kind: "read" }>["outcome"]): Operation => {
      return { ...this.#timed(file, startedAt), kind: "read", outcome };
    };
    try {
      const { content, file: info } = await client.get(file, { timeoutMs });
      // Our own sum, not the one that came with it: what is checked here is the whole way.
      const value = hash(content);
      this.#saw(file, info);
      await this.#ended("reads", file, startedAt, { reads: [read({ kind: "found", value, version: info.version })] });
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      if (error.code !== "not_found") return this.#failed("reads", file, startedAt, error);
      this.#seen.delete(file);
      await this.#ended("reads", file, startedAt, { reads: [read({ kind: "absent" })] });
    }
  }

  /** Each entry was true at some instant within the call, and so was each absence: a list is as many reads. */
  async #list(directory: string, timeoutMs: number): Promise<void> {
    const { client, clock, task } = this.#options;
    const startedAt = clock.nowMs();
    const slash = directory.indexOf("/");
    const [bucket, prefix] = [directory.slice(0, slash), directory.slice(slash + 1)];
    const found = new Map<string, Seen>();
    try {
      for await (const entry of client.list(bucket, { prefix, timeoutMs, pageSize: 17 })) {
        if (entry.kind === "file") found.set(entry.name, entry);
      }
    } catch (thrown) {
      return this.#failed("reads", directory, startedAt, QuorumError.from(thrown));
    }
    const files = task.files.directories.find(({ name }) => name === directory)?.files ?? [];
    const reads = files.map((file): Operation => {
      const entry = found.get(file);
      const outcome = entry
        ? ({ kind: "found", value: entry.etag, version: entry.version } as const)
        : ({ kind: "absent" } as const);
      return { ...this.#timed(file, startedAt), kind: "read", outcome };
    });
    await this.#ended("reads", directory, startedAt, { reads });
  }

  async #put(options: {
    file: string;
    sizeBytes: number;
    timeoutMs: number;
    condition: OperationCondition | undefined;
  }): Promise<void> {
    const { file, sizeBytes, timeoutMs, condition } = options;
    const { client, task, hash } = this.#options;
    const bytes = this.#content.make(`${task.name}.${(this.#mutations++).toString(36)}`, sizeBytes);
    const begun = { kind: "write" as const, file, value: hash(bytes), ...(condition && { condition }) };
    await this.#mutate(begun, async () => {
      const { file: info } = await client.put(file, bytes, { timeoutMs, ...optionOf(condition) });
      this.#saw(file, info);
      return info.version;
    });
  }

  async #delete(file: string, timeoutMs: number): Promise<void> {
    this.#mutations += 1;
    await this.#mutate({ kind: "delete", file, value: "" }, async () => {
      const { version } = await this.#options.client.delete(file, { timeoutMs });
      this.#seen.delete(file);
      return version;
    });
  }

  async #mutate(begun: Omit<BegunMutation, "id" | "startedAt">, run: () => Promise<number>): Promise<void> {
    const { clock, tell } = this.#options;
    const startedAt = clock.nowMs();
    const id = this.#mutations;
    await tell({ kind: "began", mutation: { ...begun, id, startedAt } });
    try {
      const version = await run();
      const outcome: MutationOutcome = { kind: "done", version };
      await this.#ended("writes", begun.file, startedAt, { mutation: { id, outcome } });
    } catch (thrown) {
      const error = QuorumError.from(thrown);
      const mutation = { id, outcome: outcomeOf(begun.kind, error) };
      const isAnswer = error.code === "precondition_failed" || (begun.kind === "delete" && error.code === "not_found");
      if (isAnswer) await this.#ended("writes", begun.file, startedAt, { mutation });
      else await this.#failed("writes", begun.file, startedAt, error, { mutation });
    }
  }

  #saw(file: string, { version, etag }: Seen): void {
    const before = this.#seen.get(file);
    if (!before || before.version < version) this.#seen.set(file, { version, etag });
  }

  #timed(file: string, startedAt: number) {
    return { file, client: this.#options.task.name, startedAt, endedAt: this.#options.clock.nowMs() };
  }

  #span(file: string, startedAt: number) {
    return { needsAll: this.#needsAll(file), startedAt, endedAt: this.#options.clock.nowMs() };
  }

  #ended(
    group: "reads" | "writes",
    file: string,
    startedAt: number,
    what: Pick<Extract<FromClient, { kind: "ended" }>, "mutation" | "reads">,
  ): Promise<void> {
    const sample = { group, ...this.#span(file, startedAt) };
    return this.#options.tell({ kind: "ended", sample, ...what });
  }

  #failed(
    group: "reads" | "writes",
    file: string,
    startedAt: number,
    { code, message }: QuorumError,
    what: Pick<Extract<FromClient, { kind: "ended" }>, "mutation"> = {},
  ): Promise<void> {
    const sample = { group, ...this.#span(file, startedAt), failure: { code, message } };
    return this.#options.tell({ kind: "ended", sample, ...what });
  }
}

function optionOf(condition: OperationCondition | undefined) {
  switch (condition?.kind) {
    case undefined:
      return {};
    case "absent":
      return { ifAbsent: true };
    case "version":
      return { ifVersion: condition.version };
    case "value":
      return { ifMatch: condition.value };
  }
}
