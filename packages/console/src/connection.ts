import { connect, type QuorumFs } from "@quorumfs/client";
import { type Clock, type Log, type Network, QuorumError, type Random } from "@quorumfs/core";

// A SuperNode that runs answers at once; a person waits.
const connectTimeoutMs = 3_000;

export interface ConnectionOptions {
  /** `host:port` of SuperNodes. */
  readonly endpoints: readonly string[];
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The console's way into the cluster, made when first used: a console that nobody looks at costs nothing. */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: Promise<QuorumFs> | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `unavailable` */
  client(): Promise<QuorumFs> {
    if (this.#closed) throw new QuorumError({ code: "unavailable", message: "the console is closing" });
    this.#client ??= connect({ ...this.#options, timeoutMs: connectTimeoutMs }).catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}
