import type { NodeId } from "@quorumfs/core";

/** Longer than this between two looks, and this process was held up: what it did not see is nobody's absence. */
const gapMsMax = 5000;

/**
 * How long nodes have been away, as far as this process has seen it: time before its start, or through which it slept, does
 * not count, for then it may be itself that was cut off. Pure, driven by the times that it is told.
 */
export class Absences {
  readonly #awayMs = new Map<NodeId, number>();
  #lookedAtMs: number | undefined;

  /** @param away who is down now */
  look(away: readonly NodeId[], nowMs: number): void {
    const sinceMs = this.#lookedAtMs === undefined ? 0 : nowMs - this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    const seenMs = sinceMs > gapMsMax ? 0 : sinceMs;
    for (const node of this.#awayMs.keys()) if (!away.includes(node)) this.#awayMs.delete(node);
    for (const node of away) {
      const known = this.#awayMs.get(node);
      this.#awayMs.set(node, known === undefined ? 0 : known + seenMs);
    }
  }

  /** Who has been away for so long. */
  longerThan(ms: number): readonly NodeId[] {
    return [...this.#awayMs].filter(([, awayMs]) => awayMs >= ms).map(([node]) => node);
  }
}
