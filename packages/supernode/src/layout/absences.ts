import type { NodeId } from "@quorumfs/core";

/** Longer than this between two looks, and this process was held up: what it did not see is nobody's absence. */
const gapMsMax = 5000;

/**
 * How long nodes have been away, as far as this process has seen it: time before its start, or through which it slept, does
 * not count, for then it may be itself that was cut off. Pure, driven by the times that it is told.
 */
export class Absences {
  readonly #awayMs = new Map<NodeId, number>();
  readonly #excused = new Set<NodeId>();
  #lookedAtMs: number | undefined;

  /** @param away who is down now */
  look(away: readonly NodeId[], nowMs: number): void {
    const sinceMs = this.#lookedAtMs === undefined ? 0 : nowMs - this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    const seenMs = sinceMs > gapMsMax ? 0 : sinceMs;
    for (const node of [...this.#awayMs.keys(), ...this.#excused]) {
      if (away.includes(node)) continue;
      this.#awayMs.delete(node);
      this.#excused.delete(node);
    }
    for (const node of away) {
      const known = this.#awayMs.get(node);
      this.#awayMs.set(node, known === undefined ? 0 : known + seenMs);
    }
  }

  /** These may stay away until they have been back. */
  excuse(nodes: readonly NodeId[]): void {
    for (const node of nodes) this.#excused.add(node);
  }

  isExcused(node: NodeId): boolean {
    return this.#excused.has(node);
  }

  /** Who has been away for so long. */
  longerThan(ms: number): readonly NodeId[] {
    const long = [...this.#awayMs].filter(([node, awayMs]) => awayMs >= ms && !this.#excused.has(node));
    return long.map(([node]) => node);
  }
}
