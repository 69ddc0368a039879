import type { Clock } from "@quorumfs/core";
import type { GetFileSystemStateResponse } from "@quorumfs/proto";
import type { SuperNodeInstruments } from "../metrics.js";

export interface QueryMeterOptions {
  readonly clock: Pick<Clock, "nowMs">;
  readonly instruments: Pick<SuperNodeInstruments, "querySeconds" | "queryFiles">;
}

/** Counts state queries as they end, however they end. */
export class QueryMeter {
  readonly #options: QueryMeterOptions;

  constructor(options: QueryMeterOptions) {
    this.#options = options;
  }

  /** The same stream. */
  async *measured(query: AsyncIterable<GetFileSystemStateResponse>): AsyncGenerator<GetFileSystemStateResponse> {
    const { clock, instruments } = this.#options;
    const startedAtMs = clock.nowMs();
    let outcome = "abandoned";
    try {
      for await (const page of query) {
        instruments.queryFiles.add(page.files.length);
        yield page;
      }
      outcome = "done";
    } catch (thrown) {
      outcome = "failed";
      throw thrown;
    } finally {
      instruments.querySeconds.of({ outcome }).observe((clock.nowMs() - startedAtMs) / 1000);
    }
  }
}
