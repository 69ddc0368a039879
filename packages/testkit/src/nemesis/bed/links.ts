/** What the network between the processes of a cluster does wrong, direction by direction, in one place that all proxies ask. */
import type { Party } from "@quorumfs/local-cluster";

/** What happens to bytes that go one way between two parties. */
export interface LinkState {
  /**
   * `held`: they wait where they are, as behind a cable that is pulled, and go on when it is back. `broken`: connections
   * end, and new ones end at once.
   */
  readonly passage: "open" | "held" | "broken";
  readonly delayMs: number;
  readonly bytesPerSecond: number;
}

export interface LinkRule extends Partial<LinkState> {
  readonly from: readonly Party[];
  readonly to: readonly Party[];
}

const ranks = ["open", "held", "broken"] as const;

export class Links {
  readonly #rules = new Set<LinkRule>();
  readonly #listeners = new Set<() => void>();

  /** Holds until the returned function is called; that is idempotent. */
  apply(...rules: readonly LinkRule[]): () => void {
    for (const rule of rules) this.#rules.add(rule);
    this.#changed();
    return () => {
      const had = rules.filter((rule) => this.#rules.delete(rule));
      if (had.length > 0) this.#changed();
    };
  }

  /** All rules of this direction together. */
  state(from: Party, to: Party): LinkState {
    const rules = [...this.#rules].filter((rule) => rule.from.includes(from) && rule.to.includes(to));
    const worst = Math.max(0, ...rules.map(({ passage = "open" }) => ranks.indexOf(passage)));
    return {
      passage: ranks[worst] ?? "open",
      delayMs: rules.reduce((sum, { delayMs = 0 }) => sum + delayMs, 0),
      bytesPerSecond: Math.min(Infinity, ...rules.map(({ bytesPerSecond = Infinity }) => bytesPerSecond)),
    };
  }

  /** Calls `listener` after every change. Returns how to stop that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
