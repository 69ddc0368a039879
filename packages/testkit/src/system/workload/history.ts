import type { MutationOutcome, Operation, OperationCondition, ReadOutcome } from "@quorumfs/workload-generator";
import type { World } from "../world/world.js";
import { asWrites } from "./appends.js";
import type { Contents } from "./contents.js";

type Request =
  | { readonly kind: "read"; readonly file: string }
  | { readonly kind: "write"; readonly file: string; readonly value: string; readonly condition?: OperationCondition }
  | { readonly kind: "delete"; readonly file: string }
  /** Of a piece of its own. */
  | { readonly kind: "append"; readonly file: string; readonly piece: string };

/** An operation whose end nobody has heard of. */
export interface Attempt {
  readonly request: Request;
  readonly client: string;
  readonly startedAt: number;
}

/** How an append ended. Whoever was told of its end knows by the etag what it has made. */
export type AppendOutcome =
  { readonly kind: "done"; readonly version: number; readonly etag: string } | { readonly kind: "failed" | "unknown" };

export interface Append {
  readonly file: string;
  readonly client: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly piece: string;
  readonly outcome: AppendOutcome;
}

/** What all clients saw, in virtual time. An operation whose client died stays without an end. */
export class History {
  readonly #world: World;
  readonly #contents: Contents;
  readonly #ended: Operation[] = [];
  readonly #appends: Append[] = [];
  readonly #open = new Set<Attempt>();

  constructor(world: World, contents: Contents) {
    this.#world = world;
    this.#contents = contents;
  }

  begin(client: string, request: Request): Attempt {
    const attempt = { request, client, startedAt: this.#world.nowMs };
    this.#open.add(attempt);
    return attempt;
  }

  read(attempt: Attempt, outcome: ReadOutcome): void {
    if (attempt.request.kind === "read") this.#end(attempt, { ...attempt.request, outcome });
  }

  mutated(attempt: Attempt, outcome: MutationOutcome): void {
    const { request } = attempt;
    if (request.kind === "write" || request.kind === "delete") this.#end(attempt, { ...request, outcome });
  }

  appended(attempt: Attempt, outcome: AppendOutcome): void {
    if (attempt.request.kind !== "append" || !this.#open.delete(attempt)) return;
    const { client, startedAt, request } = attempt;
    const { file, piece } = request;
    this.#appends.push({ file, piece, client, startedAt, endedAt: this.#world.nowMs, outcome });
  }

  /** A read that began when another operation did. */
  addRead(options: { client: string; file: string; startedAt: number; outcome: ReadOutcome }): void {
    const { client, file, startedAt, outcome } = options;
    this.#ended.push({ kind: "read", client, file, startedAt, endedAt: this.#world.nowMs, outcome });
  }

  get operations(): readonly Operation[] {
    const operations = [...this.#ended];
    const appends = [...this.#appends];
    for (const { request, client, startedAt } of this.#open) {
      const endless = { client, startedAt, endedAt: Infinity, outcome: { kind: "unknown" } } as const;
      if (request.kind === "append") appends.push({ ...endless, file: request.file, piece: request.piece });
      else operations.push({ ...request, ...endless });
    }
    return asWrites({ operations, appends, contents: this.#contents });
  }

  #end(attempt: Attempt, operation: DistributiveOmit<Operation, "client" | "startedAt" | "endedAt">): void {
    if (!this.#open.delete(attempt)) return;
    const { client, startedAt } = attempt;
    this.#ended.push({ ...operation, client, startedAt, endedAt: this.#world.nowMs });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
