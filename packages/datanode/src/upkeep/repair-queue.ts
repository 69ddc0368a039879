/**
 * Damage on its way to being repaired. Each thing is taken in once, however often it is met; it stays until it is
 * repaired or nobody needs it any more, over restarts too. As long as no good copy can be had, it is tried again, at
 * growing intervals and whenever there is reason to hope.
 */
import { type CancelTimer, type Clock, type Log, type LogFields, QuorumError, type Random } from "@quorumfs/core";
import type { DamageKind, DamageLedger } from "./damage-ledger.js";

/** `gone`: nobody needs it any more. `failed`: no good copy could be had just now. */
export type RepairOutcome = "repaired" | "gone" | "failed";

/** What is remembered at a time, about 2 KiB each. What does not fit is found again by the next scrub or read. */
const entriesMaxDefault = 4096;

// More than one step of a scrub can find: 128 records, or 32 chunks.
const roomMin = 256;

// A chunk takes a second; where none was repaired for so long there is no good copy, and waiting is of no use.
const stalledMs = 60_000;

// Peers are back within seconds after a restart, or not for long; a try costs a few messages.
const firstDelayMs = 1000;
const longestDelayMs = 5 * 60_000;

// Ten times what a chunk takes over a slow network; what hangs must not keep others from being repaired.
const attemptMaxMs = 120_000;

export interface RepairQueueOptions<Item> {
  readonly kind: DamageKind;
  readonly ledger: DamageLedger;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Repairs under way at a time. */
  readonly concurrency: number;
  readonly entriesMax?: number;
  readonly encode: (item: Item) => Uint8Array;
  /** @returns undefined if it is no key */
  readonly decode: (key: Buffer) => Item | undefined;
  /** What the log says of an item. */
  readonly describe: (item: Item) => LogFields;
  /** It was put right, and that is durable. */
  readonly onRepaired?: (item: Item) => void;
  /** Puts right what is damaged, reads it back, and only then says `repaired`. */
  readonly repair: (item: Item, signal: AbortSignal) => Promise<RepairOutcome>;
}

interface Entry<Item> {
  readonly item: Item;
  readonly key: Uint8Array;
  failures: number;
  isRunning: boolean;
  /** Not before; on the clock's own time. */
  dueMs: number;
}

export class RepairQueue<Item> {
  readonly #options: RepairQueueOptions<Item>;
  readonly #entriesMax: number;
  /** By key; in the order in which they are to be tried. */
  readonly #entries = new Map<string, Entry<Item>>();
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #repairedAtMs = -Infinity;
  #timer: { readonly dueMs: number; readonly cancel: CancelTimer } | undefined;

  constructor(options: RepairQueueOptions<Item>) {
    this.#options = options;
    this.#entriesMax = options.entriesMax ?? entriesMaxDefault;
  }

  /** Damaged things that wait for their repair, those under way included. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Whether what is found now may be dropped, and there would be room for it soon: who looks for damage does well to wait.
   */
  get isCongested(): boolean {
    const isRepairing = this.#options.clock.nowMs() - this.#repairedAtMs < stalledMs;
    return isRepairing && this.#entries.size > this.#entriesMax - roomMin;
  }

  /** Goes on with what was not repaired when the process ended. */
  resume(): void {
    const { ledger, kind, decode } = this.#options;
    for (const key of ledger.pending(kind, this.#entriesMax)) {
      const item = decode(key);
      if (item !== undefined) this.#enter(item, key);
    }
    this.#pump();
  }

  /**
   * Takes in what is damaged, unless it is here already or there is no room. Never throws.
   *
   * @returns whether that was news
   */
  add(item: Item): boolean {
    const { ledger, kind, encode } = this.#options;
    const key = encode(item);
    if (this.#stop.signal.aborted || this.#entries.has(nameOf(key)) || this.#entries.size >= this.#entriesMax)
      return false;
    const entry = this.#enter(item, key);
    // Not tried before it is counted: a repair must not be counted first.
    entry.isRunning = true;
    this.#track(
      ledger.found(kind, key).then(() => {
        entry.isRunning = false;
        this.#pump();
      }),
    );
    return true;
  }

  /** Tries everything again soon: a node is back, say. */
  retryNow(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const entry of this.#entries.values()) entry.dueMs = Math.min(entry.dueMs, nowMs);
    this.#pump();
  }

  /** Gives up what is under way; it stays in the ledger. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #enter(item: Item, key: Uint8Array): Entry<Item> {
    const entry = { item, key, failures: 0, isRunning: false, dueMs: 0 };
    this.#entries.set(nameOf(key), entry);
    return entry;
  }

  #pump(): void {
    const { clock, concurrency } = this.#options;
    if (this.#stop.signal.aborted) return;
    const nowMs = clock.nowMs();
    let running = 0;
    let nextMs = Infinity;
    for (const entry of this.#entries.values()) if (entry.isRunning) running += 1;
    for (const entry of this.#entries.values()) {
      if (running >= concurrency) return;
      if (entry.isRunning) continue;
      if (entry.dueMs > nowMs) {
        nextMs = Math.min(nextMs, entry.dueMs);
        continue;
      }
      running += 1;
      entry.isRunning = true;
      this.#track(this.#repair(entry));
    }
    this.#wakeAt(nextMs);
  }

  async #repair(entry: Entry<Item>): Promise<void> {
    const { kind, ledger, log, describe } = this.#options;
    const outcome = await this.#attempt(entry);
    const name = nameOf(entry.key);
    this.#entries.delete(name);
    if (outcome === "failed") {
      // To the end: what cannot be repaired must not stand in the way of what can.
      entry.failures += 1;
      entry.dueMs = this.#options.clock.nowMs() + this.#delayMs(entry.failures);
      this.#entries.set(name, entry);
    } else if (outcome === "repaired") {
      this.#repairedAtMs = this.#options.clock.nowMs();
      await ledger.repaired(kind, entry.key);
      log.info(`${kind}.repaired`, describe(entry.item));
      this.#options.onRepaired?.(entry.item);
    } else {
      await ledger.dropped(kind, entry.key);
      log.info(`${kind}.repair-dropped`, describe(entry.item));
    }
    entry.isRunning = false;
    this.#pump();
  }

  async #attempt(entry: Entry<Item>): Promise<RepairOutcome> {
    const { kind, clock, log, describe, repair } = this.#options;
    const abort = new AbortController();
    const giveUp = () => abort.abort();
    const cancelTimeout = clock.after(attemptMaxMs, giveUp);
    this.#stop.signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await repair(entry.item, abort.signal);
    } catch (thrown) {
      const { message: reason } = QuorumError.from(thrown);
      const fields = { ...describe(entry.item), reason };
      // Once is news; what cannot be repaired for days must not fill the log.
      if (entry.failures === 0 && !this.#stop.signal.aborted) log.warn(`${kind}.repair-failed`, fields);
      else log.debug(`${kind}.repair-failed`, fields);
      return "failed";
    } finally {
      cancelTimeout();
      this.#stop.signal.removeEventListener("abort", giveUp);
    }
  }

  #delayMs(failures: number): number {
    const limitMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 20));
    return limitMs * (1 - this.#options.random.fraction() / 2);
  }

  #wakeAt(dueMs: number): void {
    if (this.#timer?.dueMs === dueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (dueMs === Infinity) return;
    const fire = () => {
      this.#timer = undefined;
      this.#pump();
    };
    const cancel = this.#options.clock.after(Math.max(1, dueMs - this.#options.clock.nowMs()), fire);
    this.#timer = { dueMs, cancel };
  }

  /** The ledger fails only with its disk; then the process ends by what the replica says. */
  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#options.log.error(`${this.#options.kind}.repair-stopped`, { error }))
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
