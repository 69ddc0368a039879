/**
 * A DataNode over the lives of its stores. A store that is older than what the cluster knows of it, or whose node has left,
 * is of no use any more, though its disk is: it is set aside, and the process goes on as a new node with an empty one.
 */
import { type Log, QuorumError } from "@quorumfs/core";
import type { EarlierNews } from "./observe/noticed-events.js";
import { isStoreUseless } from "./store-fault.js";

/** One run of a DataNode on one store. */
export interface Life {
  readonly address: string;
  /** How it ends by itself; never rejects. */
  readonly ended: Promise<Ending>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface EarlierLives {
  /** Undefined: there was none. */
  readonly address: string | undefined;
  readonly news: readonly EarlierNews[];
}

export type Ending =
  /** It was told to leave its cluster, and has. */
  { readonly kind: "left" } | { readonly kind: "failed"; readonly error: QuorumError };

export interface LifetimesOptions {
  /**
   * Opens the stores and starts the node on them; closes what it has opened when it fails.
   *
   * @param earlier where an earlier life listened, and what people are to hear of it
   */
  readonly begin: (earlier: EarlierLives, signal: AbortSignal) => Promise<Life>;
  /** Puts the store out of the way; none is open. @returns where it is now */
  readonly setAside: () => string;
  readonly log: Log;
}

export interface Lifetimes {
  readonly address: string;
  /** Settles when the last life has ended by itself: as it was told to, or with an error. */
  readonly ended: Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

// A new store has no past to be refused for, so one is enough; more than a few are a mistake of ours, and fill the disk.
const setAsideMax = 3;

/** @throws QuorumError what the first life failed with */
export async function startLifetimes(options: LifetimesOptions): Promise<Lifetimes> {
  const lifetimes = new DataNodeLifetimes(options);
  await lifetimes.start();
  return lifetimes;
}

class DataNodeLifetimes implements Lifetimes {
  readonly #options: LifetimesOptions;
  readonly #closing = new AbortController();
  #life: Life | undefined;
  #address: string | undefined;
  #setAside = 0;
  readonly #news: EarlierNews[] = [];
  #ended: Promise<void> = Promise.resolve();

  constructor(options: LifetimesOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#address ?? "";
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  async start(): Promise<void> {
    const life = await this.#begin();
    this.#ended = this.#liveOn(life);
    // Whoever closes it need not care.
    this.#ended.catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#life?.close();
    await this.#ended.catch(() => undefined);
  }

  async #liveOn(first: Life): Promise<void> {
    const closed = new Promise<"closed">((resolve) => {
      this.#closing.signal.addEventListener("abort", () => resolve("closed"), { once: true });
    });
    for (let life = first; ;) {
      const ending = await Promise.race([life.ended, closed]);
      await life.close();
      if (ending === "closed" || ending.kind === "left") return;
      // Whether the store may be set aside is told at its start, when it does not vote yet.
      if (ending.error.details.storeFault === undefined) throw ending.error;
      try {
        life = await this.#begin();
      } catch (thrown) {
        if (this.#closing.signal.aborted) return;
        throw thrown;
      }
    }
  }

  async #begin(): Promise<Life> {
    const { begin, setAside, log } = this.#options;
    for (;;) {
      try {
        const life = await begin({ address: this.#address, news: [...this.#news] }, this.#closing.signal);
        this.#news.length = 0;
        this.#life = life;
        this.#address = life.address;
        return life;
      } catch (thrown) {
        if (!isStoreUseless(thrown) || this.#setAside >= setAsideMax) throw thrown;
        this.#setAside += 1;
        const { message, details } = QuorumError.from(thrown);
        const to = setAside();
        log.error("datanode.store-set-aside", { fault: details.storeFault, reason: message, to });
        this.#news.push({ kind: "node.set-aside", message: `an old store was set aside: ${message}`, fields: { to } });
      }
    }
  }
}
