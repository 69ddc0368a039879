/** One node's records of one bucket, as a sequence with a head: one page is looked at while the next is on its way. */
import type { Clock, NodeId } from "@quorumfs/core";
import type { RangeEntry, ScanRecordsResponse } from "@quorumfs/proto";

/** A node that says nothing for so long is taken for unreachable: others must not wait for it for ever. */
const pageTimeoutMs = 3000;

export class NodeScan {
  readonly node: NodeId;
  readonly #pages: AsyncIterator<ScanRecordsResponse>;
  readonly #clock: Clock;
  #next: Promise<IteratorResult<ScanRecordsResponse> | "failed">;
  #entries: readonly (RangeEntry | undefined)[] = [];
  #index = 0;
  #end: "none" | "complete" | "failed" = "none";

  constructor(options: { node: NodeId; pages: AsyncIterable<ScanRecordsResponse>; clock: Clock }) {
    this.node = options.node;
    this.#pages = options.pages[Symbol.asyncIterator]();
    this.#clock = options.clock;
    this.#next = this.#ask();
  }

  /** The entry that is next in order; undefined at the end, and while {@link isDry}. */
  get head(): RangeEntry | undefined {
    return this.#entries[this.#index];
  }

  advance(): void {
    this.#index += 1;
  }

  /** Whether the next entry has not arrived yet: `refill` before looking at the head. */
  get isDry(): boolean {
    return this.#index >= this.#entries.length && this.#end === "none";
  }

  /** The node did not tell everything. */
  get hasFailed(): boolean {
    return this.#end === "failed";
  }

  async refill(): Promise<void> {
    const page = await this.#next;
    this.#index = 0;
    this.#entries = [];
    if (page === "failed") this.#end = "failed";
    else if (page.done) this.#end = "complete";
    else {
      this.#entries = page.value.records.map(({ entry }) => entry).filter((entry) => entry !== undefined);
      this.#next = this.#ask();
    }
  }

  /** Stops the node's sending. */
  close(): void {
    this.#end = this.#end === "none" ? "complete" : this.#end;
    // Whatever it says to that, nobody listens any more.
    this.#pages.return?.().catch(() => undefined);
  }

  #ask(): Promise<IteratorResult<ScanRecordsResponse> | "failed"> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(pageTimeoutMs, () => {
        resolve("failed");
        this.#pages.return?.().catch(() => undefined);
      });
      this.#pages.next().then(
        (page) => {
          cancel();
          resolve(page);
        },
        () => {
          cancel();
          resolve("failed");
        },
      );
    });
  }
}
