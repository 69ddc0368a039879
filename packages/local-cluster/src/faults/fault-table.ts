/**
 * What the network between the members of a cluster does wrong, in one place that all of them ask. Rules say which way
 * they apply, so that one-way failures, the nastiest kind, are as easy as any other.
 */
import { assert, type Random } from "@quorumfs/core";
import type { Party } from "./party.js";

/** Which messages a fault hits; a side that is left out means everybody. */
export interface Direction {
  readonly from?: Party | readonly Party[];
  readonly to?: Party | readonly Party[];
}

/** How many messages are lost: a share of them all (0 to 1), or the next ones up to a number. */
export type DropOptions = Direction & ({ readonly fraction: number } | { readonly count: number });

export interface DelayOptions extends Direction {
  readonly delayMs: number;
  /** Up to so much longer, drawn anew for each message. Order within a stream is kept all the same. */
  readonly jitterMs?: number;
}

/** A fault that was set. */
export interface Fault {
  /** Messages that it has hit until now. */
  readonly hits: number;
  /** Takes it back. Idempotent; `heal()` takes back all. */
  end(): void;
}

/** What happens to one message. */
export type Verdict =
  | { readonly kind: "pass" }
  /** It alone is lost. */
  | { readonly kind: "lose" }
  /** There is no way: nothing arrives until the fault ends, and the connection breaks. */
  | { readonly kind: "cut" }
  | { readonly kind: "delay"; readonly delayMs: number };

interface Rule {
  readonly from: ReadonlySet<Party> | undefined;
  readonly to: ReadonlySet<Party> | undefined;
  /** Undefined: this message is not hit. */
  judge(): Verdict | undefined;
  hits: number;
}

const pass: Verdict = Object.freeze({ kind: "pass" });
const lose: Verdict = Object.freeze({ kind: "lose" });
const cut: Verdict = Object.freeze({ kind: "cut" });
const cutAll = (): Verdict => cut;

export class FaultTable {
  readonly #random: Random;
  readonly #rules = new Set<Rule>();
  readonly #listeners = new Set<() => void>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Nothing gets from `from` to `to` any more. */
  cut(direction: Direction): Fault {
    return this.#add(direction, cutAll);
  }

  drop(options: DropOptions): Fault {
    if ("fraction" in options) {
      const { fraction } = options;
      assert(fraction >= 0 && fraction <= 1, "a share of messages is between 0 and 1");
      return this.#add(options, () => (this.#random.fraction() < fraction ? lose : undefined));
    }
    let left = options.count;
    return this.#add(options, () => (left-- > 0 ? lose : undefined));
  }

  delay(options: DelayOptions): Fault {
    const { delayMs, jitterMs = 0 } = options;
    return this.#add(options, () => ({ kind: "delay", delayMs: delayMs + jitterMs * this.#random.fraction() }));
  }

  /** Takes back every fault. */
  heal(): void {
    if (this.#rules.size === 0) return;
    this.#rules.clear();
    this.#changed();
  }

  /** The fate of a message that is about to go from one party to another; the worst of all rules that hit it. */
  judge(from: Party, to: Party): Verdict {
    let verdict = pass;
    for (const rule of this.#rules) {
      if (!applies(rule, from, to)) continue;
      const next = rule.judge();
      if (!next) continue;
      rule.hits += 1;
      verdict = worse(verdict, next);
    }
    return verdict;
  }

  isCut(from: Party, to: Party): boolean {
    for (const rule of this.#rules) if (applies(rule, from, to) && rule.judge === cutAll) return true;
    return false;
  }

  /** Calls `listener` after every change. Returns how to stop that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(direction: Direction, judge: () => Verdict | undefined): Fault {
    const rule: Rule = { from: partiesOf(direction.from), to: partiesOf(direction.to), judge, hits: 0 };
    this.#rules.add(rule);
    this.#changed();
    return {
      get hits() {
        return rule.hits;
      },
      end: () => {
        if (this.#rules.delete(rule)) this.#changed();
      },
    };
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function partiesOf(side: Party | readonly Party[] | undefined): ReadonlySet<Party> | undefined {
  if (side === undefined) return undefined;
  return new Set(typeof side === "object" ? side : [side]);
}

function applies(rule: Rule, from: Party, to: Party): boolean {
  return (rule.from?.has(from) ?? true) && (rule.to?.has(to) ?? true);
}

function worse(a: Verdict, b: Verdict): Verdict {
  if (a.kind === "delay" && b.kind === "delay") return { kind: "delay", delayMs: a.delayMs + b.delayMs };
  return rank(a) >= rank(b) ? a : b;
}

function rank(verdict: Verdict): number {
  return ["pass", "delay", "lose", "cut"].indexOf(verdict.kind);
}
