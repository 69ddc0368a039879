/**
 * Keeps a flood of events from washing all others out of the log: pure, driven by the times that it is told. Of one kind and
 * one DataNode a burst is written, and then one in a long while, which says how many were left out before it.
 */

/** A chain of restarts of one node in one go is worth reading through. */
const burstMax = 30;

/** After that one more in so long: of one kind and node 288 a day. */
const refillMs = 300_000;

/** Kinds times nodes; beyond that nothing is held back any more for those that were quiet for longest. */
const subjectsMax = 10_000;

export interface Subject {
  readonly kind: string;
  /** 0: none in particular. */
  readonly node: number;
}

export interface LeftOut extends Subject {
  readonly count: number;
}

interface Allowance extends Subject {
  /** At most `burstMax`. */
  tokens: number;
  atMs: number;
  leftOut: number;
}

export class EventRates {
  readonly #allowances = new Map<string, Allowance>();

  /**
   * @param hasRoom whether an event could be written at all
   * @returns whether the event may be written; how many like it were left out before
   */
  admit(
    { kind, node }: Subject,
    nowMs: number,
    hasRoom = true,
  ): { readonly admitted: boolean; readonly leftOut: number } {
    const allowance = this.#allowanceOf({ kind, node }, nowMs);
    if (allowance.tokens < 1 || !hasRoom) {
      allowance.leftOut += 1;
      return { admitted: false, leftOut: 0 };
    }
    allowance.tokens -= 1;
    const { leftOut } = allowance;
    allowance.leftOut = 0;
    return { admitted: true, leftOut };
  }

  /** What was left out a while ago, and that nothing has told of since: told now. */
  due(nowMs: number): readonly LeftOut[] {
    return [...this.#allowances.values()].flatMap(({ kind, node, leftOut }) => {
      if (leftOut === 0 || !this.admit({ kind, node }, nowMs).admitted) {
        // Asking has counted one more.
        const allowance = this.#allowances.get(keyOf({ kind, node }));
        if (allowance) allowance.leftOut = leftOut;
        return [];
      }
      return [{ kind, node, count: leftOut }];
    });
  }

  /** When `due` will have something to tell; undefined: nothing was left out. */
  nextDueMs(): number | undefined {
    const waits = [...this.#allowances.values()]
      .filter(({ leftOut }) => leftOut > 0)
      .map(({ tokens, atMs }) => atMs + Math.max(0, 1 - tokens) * refillMs);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  #allowanceOf(subject: Subject, nowMs: number): Allowance {
    const key = keyOf(subject);
    const known = this.#allowances.get(key);
    const allowance = known ?? { ...subject, tokens: burstMax, atMs: nowMs, leftOut: 0 };
    // Last in order is who was asked for last.
    this.#allowances.delete(key);
    this.#allowances.set(key, allowance);
    allowance.tokens = Math.min(burstMax, allowance.tokens + (nowMs - allowance.atMs) / refillMs);
    allowance.atMs = nowMs;
    if (!known && this.#allowances.size > subjectsMax) this.#forgetOldest();
    return allowance;
  }

  #forgetOldest(): void {
    const [oldest] = this.#allowances.keys();
    if (oldest !== undefined) this.#allowances.delete(oldest);
  }
}

function keyOf({ kind, node }: Subject): string {
  return `${node} ${kind}`;
}
