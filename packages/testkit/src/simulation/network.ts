import type { EventQueue } from "./event-queue.js";
import type { HistoryPlan } from "./plan.js";
import type { Coverage } from "./coverage.js";
import { Prng } from "./prng.js";

/** Of the SuperNode in the network: above all DataNodes, below all clients. */
export const superNodeIndex = 39;

/**
 * A network that loses, repeats and reorders. What happens to a message depends on the seed, on the two ends and on how
 * many messages went that way before, but not on what else goes on: so a plan that is cut down keeps most of its luck.
 */
export class Network {
  readonly #plan: HistoryPlan;
  readonly #queue: EventQueue;
  readonly #coverage: Coverage;
  readonly #links = new Map<number, Prng>();
  readonly #cuts = new Map<number, number>();
  #healed = false;

  constructor(plan: HistoryPlan, queue: EventQueue, coverage: Coverage) {
    this.#plan = plan;
    this.#queue = queue;
    this.#coverage = coverage;
  }

  /**
   * @param options.lost called when the sender learns that the message, or the answer to it, will not come; it may never
   *   be called, and the message may have arrived all the same
   */
  send(options: { from: number; to: number; deliver: () => void; lost: () => void }): void {
    const { from, to, deliver, lost } = options;
    // A DataNode speaks to its own replica without a network, and its own crash takes both ends.
    if (from === to) {
      this.#queue.after(0.05, deliver);
      return;
    }
    const { network } = this.#plan;
    const prng = this.#linkPrng(from, to);
    const fate = prng.fraction();
    const delayMs = network.delayMs * (0.5 + prng.fraction());
    const lateMs = prng.fraction() < network.reordering ? prng.fraction() * network.lateMs : 0;
    const twiceMs = prng.fraction() < network.duplication ? prng.fraction() * network.lateMs : undefined;
    const noticeMs = prng.fraction() * 40;
    const notices = prng.fraction() < 0.7;
    if (this.isCut(from, to) || (!this.#healed && fate < network.loss)) {
      this.#coverage.count("message lost");
      if (notices || this.#healed) this.#queue.after(noticeMs, lost);
      return;
    }
    if (this.#healed) {
      this.#queue.after(delayMs, deliver);
      return;
    }
    if (lateMs > 0) this.#coverage.count("message delayed");
    this.#queue.after(delayMs + lateMs, deliver);
    if (twiceMs !== undefined) {
      this.#coverage.count("message duplicated");
      this.#queue.after(delayMs + twiceMs, deliver);
    }
    // Sometimes the sender gives up although the message is only late.
    if (lateMs > noticeMs && notices) this.#queue.after(noticeMs, lost);
  }

  cut(a: number, b: number, forMs: number): void {
    if (a === b) return;
    this.#coverage.count("partition");
    for (const link of [linkOf(a, b), linkOf(b, a)]) {
      const until = this.#queue.nowMs + forMs;
      this.#cuts.set(link, Math.max(this.#cuts.get(link) ?? 0, until));
    }
  }

  isCut(from: number, to: number): boolean {
    return !this.#healed && (this.#cuts.get(linkOf(from, to)) ?? 0) > this.#queue.nowMs;
  }

  /** From now on everything arrives; what is under way already keeps its fate. */
  heal(): void {
    this.#healed = true;
  }

  #linkPrng(from: number, to: number): Prng {
    const link = linkOf(from, to);
    let prng = this.#links.get(link);
    if (!prng) {
      prng = new Prng(this.#plan.seed * 4099 + link + 1);
      this.#links.set(link, prng);
    }
    return prng;
  }
}

function linkOf(from: number, to: number): number {
  return from * 64 + to;
}
