import type { MutationOutcome, Operation } from "@quorumfs/workload-generator";
import type { BegunMutation } from "./messages.js";

/** Some 400 bytes each; a run that has more goes on, and the rest of it is not checked. */
export const operationsMax = 3_000_000;

/** What all clients of a run saw. */
export class History {
  readonly #ended: Operation[] = [];
  readonly #open = new Map<string, Operation>();

  get size(): number {
    return this.#ended.length + this.#open.size;
  }

  began(client: string, { id, kind, file, value, condition, startedAt }: BegunMutation): void {
    const base = { file, client, startedAt, endedAt: Infinity, outcome: { kind: "unknown" } } as const;
    this.#open.set(
      `${client} ${id}`,
      kind === "write"
        ? { ...base, kind, value, ...(condition && { condition }) }
        : // Deletes of this load have no condition.
          { ...base, kind },
    );
  }

  ended(client: string, id: number, outcome: MutationOutcome, endedAt: number): void {
    const key = `${client} ${id}`;
    const operation = this.#open.get(key);
    if (!operation || operation.kind === "read") return;
    this.#open.delete(key);
    this.#ended.push({ ...operation, outcome, endedAt });
  }

  read(operations: readonly Operation[]): void {
    for (const operation of operations) this.#ended.push(operation);
  }

  /** All of it; mutations that nobody has told the end of are of unknown outcome. */
  get operations(): readonly Operation[] {
    return [...this.#ended, ...this.#open.values()];
  }
}
