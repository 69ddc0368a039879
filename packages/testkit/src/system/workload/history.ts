import type { MutationOutcome, Operation, OperationCondition, ReadOutcome } from "@quorumfs/workload-generator";
import type { World } from "../world/world.js";

type Request =
  | { readonly kind: "read"; readonly file: string }
  | { readonly kind: "write"; readonly file: string; readonly value: string; readonly condition?: OperationCondition }
  | { readonly kind: "delete"; readonly file: string };

/** An operation whose end nobody has heard of. */
export interface Attempt {
  readonly request: Request;
  readonly client: string;
  readonly startedAt: number;
}

/** What all clients saw, in virtual time. An operation whose client died stays without an end. */
export class History {
  readonly #world: World;
  readonly #ended: Operation[] = [];
  readonly #open = new Set<Attempt>();

  constructor(world: World) {
    this.#world = world;
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
    if (attempt.request.kind !== "read") this.#end(attempt, { ...attempt.request, outcome });
  }

  /** A read that began when another operation did. */
  addRead(options: { client: string; file: string; startedAt: number; outcome: ReadOutcome }): void {
    const { client, file, startedAt, outcome } = options;
    this.#ended.push({ kind: "read", client, file, startedAt, endedAt: this.#world.nowMs, outcome });
  }

  get operations(): readonly Operation[] {
    const open = [...this.#open].map(({ request, client, startedAt }): Operation => {
      return { ...request, client, startedAt, endedAt: Infinity, outcome: { kind: "unknown" } };
    });
    return [...this.#ended, ...open];
  }

  #end(attempt: Attempt, operation: DistributiveOmit<Operation, "client" | "startedAt" | "endedAt">): void {
    if (!this.#open.delete(attempt)) return;
    const { client, startedAt } = attempt;
    this.#ended.push({ ...operation, client, startedAt, endedAt: this.#world.nowMs });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
