/**
 * One call's way there and back under the fault table.
 *
 * A lost message is simply missing: who waits for it learns that by his deadline. A cut is what a pulled cable is to
 * TCP: silence at first, then both ends give the connection up; and a connection that could not deliver something is
 * not continued when the cable is back, since its bytes would have a gap.
 */
import { type CancelTimer, type Clock, QuorumError } from "@quorumfs/core";
import type { FaultTable } from "./fault-table.js";
import { type Party, partyName } from "./party.js";
import { Passage } from "./passage.js";

/** A cut connection is given up after this long. Real keepalives take 13 s; tests would only wait for it. */
export const breakAfterMs = 1_500;

export interface CrossingOptions {
  readonly self: Party;
  /** Undefined: somebody outside of the cluster, whom no fault concerns. */
  readonly peer: Party | undefined;
  readonly faults: FaultTable;
  readonly clock: Clock;
}

export class Crossing {
  readonly there: Passage;
  readonly back: Passage;
  readonly #options: CrossingOptions;
  readonly #onBroken: (error: QuorumError) => void;
  readonly #unwatch: () => void;
  #cancelTimer: CancelTimer | undefined;
  #closed = false;

  /** @param onBroken called at most once, and never from within this constructor or after `close()`. */
  constructor(options: CrossingOptions, onBroken: (error: QuorumError) => void) {
    this.#options = options;
    this.#onBroken = onBroken;
    const { self, peer, faults, clock } = options;
    const passage = (from: Party | undefined, to: Party | undefined): Passage =>
      new Passage({
        clock,
        judge: () => (from === undefined || to === undefined ? { kind: "pass" } : faults.judge(from, to)),
        onStall: () => this.#update(),
      });
    this.there = passage(self, peer);
    this.back = passage(peer, self);
    this.#unwatch = peer === undefined ? () => undefined : faults.watch(() => this.#update());
    this.#update();
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#cancelTimer?.();
    this.there.close();
    this.back.close();
  }

  get #isCut(): boolean {
    const { self, peer, faults } = this.#options;
    return peer !== undefined && (faults.isCut(self, peer) || faults.isCut(peer, self));
  }

  #update(): void {
    if (this.#closed) return;
    const gap = this.there.stalled || this.back.stalled;
    if (!this.#isCut) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      if (gap) this.#break();
      return;
    }
    this.#cancelTimer ??= this.#options.clock.after(breakAfterMs, () => this.#break());
  }

  #break(): void {
    if (this.#closed) return;
    this.close();
    const peer = this.#options.peer === undefined ? "the peer" : partyName(this.#options.peer);
    const message = `lost the connection to ${peer}`;
    this.#onBroken(new QuorumError({ code: "unavailable", message, details: { mayHaveRun: true } }));
  }
}
