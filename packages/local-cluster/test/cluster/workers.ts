import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";

/** Writes and reads files of its own until it is stopped, and checks that each read sees the write before it. */
export class Workers {
  readonly #client: QuorumFs;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>[];
  readonly failures: string[] = [];
  operations = 0;
  /** Longest time that one operation took. */
  longestMs = 0;

  constructor(options: { readonly client: QuorumFs; readonly count: number; readonly bucket?: string }) {
    const { client, count, bucket = "files" } = options;
    this.#client = client;
    this.#running = Array.from({ length: count }, (_, index) => this.#run(`${bucket}/worker-${index}`));
  }

  /** Resolves once all have finished what they were at. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running);
  }

  async #run(name: string): Promise<void> {
    for (let round = 1; !this.#stopped.signal.aborted; round += 1) {
      const content = `${name} ${round}`;
      await this.#timed(`put ${content}`, () => this.#client.put(name, content));
      await this.#timed(`get ${content}`, async () => {
        const seen = new TextDecoder().decode((await this.#client.get(name)).content);
        if (seen !== content) throw new Error(`read ${seen}`);
      });
    }
  }

  async #timed(what: string, operation: () => Promise<unknown>): Promise<void> {
    const startedMs = performance.now();
    try {
      await operation();
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      this.failures.push(`${what}: ${code}: ${message}`);
    }
    this.operations += 1;
    this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
  }
}
