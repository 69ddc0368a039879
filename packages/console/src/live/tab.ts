import type { ServerResponse } from "node:http";
import type { CancelTimer, Clock } from "@quorumfs/core";
import type { StreamEvents } from "../api.js";
import type { SampleHistory } from "./sample-history.js";

/** What may wait for a tab besides a piece of history: some minutes' worth, in which a tab that lives has read something. */
export const waitingBytesMax = 1024 * 1024;
/** A tab that takes nothing at all for so long is gone, or sleeps; a browser connects again by itself. */
const stalledMsMax = 30_000;
/** The next piece waits until this one has been taken. */
const pieceCharactersMax = 128 * 1024;

export interface TabOptions {
  readonly response: ServerResponse;
  readonly history: SampleHistory;
  readonly clock: Clock;
  readonly onGone: (tab: Tab) => void;
}

/** One open page: its event stream, which never holds back the others. */
export class Tab {
  readonly #options: TabOptions;
  /** Of the next sample of the history that it has to be sent; undefined: it has got all of it, and follows. */
  #next: number | undefined;
  /** Samples of the history so far. */
  #sent = 0;
  #cancelStall: CancelTimer | undefined;
  #gone = false;

  constructor(options: TabOptions) {
    this.#options = options;
    const { response } = options;
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      // Some proxies collect answers before they pass them on, unless told otherwise.
      "X-Accel-Buffering": "no",
    });
    response.on("close", () => this.drop());
    response.on("drain", () => this.#onDrain());
    this.#write("retry: 1000\n\n");
  }

  /** Sends the history from its beginning, as far as there is any; samples follow when it has been taken. */
  begin(): void {
    this.#sent = 0;
    this.#next = this.#options.history.first;
    this.#sendHistory();
  }

  /** @param data JSON without line breaks */
  send(event: keyof StreamEvents, data: string): void {
    this.#write(`event: ${event}\ndata: ${data}\n\n`);
  }

  /** The newest sample of the history, which is left to the history while the tab is still reading that. */
  sendSample(data: string): void {
    if (this.#next === undefined) this.send("sample", data);
  }

  /** So that a tab that has gone is noticed, and proxies keep the connection. */
  beat(): void {
    this.#write(":\n\n");
  }

  /** Ends it in order, as at the end of the server. */
  end(): void {
    if (this.#gone) return;
    this.#options.response.end();
    this.#leave();
  }

  /** Idempotent. */
  drop(): void {
    if (this.#gone) return;
    this.#options.response.destroy();
    this.#leave();
  }

  #leave(): void {
    this.#gone = true;
    this.#cancelStall?.();
    this.#options.onGone(this);
  }

  #sendHistory(): void {
    const { history, response } = this.#options;
    while (this.#next !== undefined && !this.#gone) {
      const from = Math.max(this.#next, history.first);
      const { json, to } = history.piece(from, pieceCharactersMax);
      const more = to < history.end;
      this.#next = more ? to : undefined;
      const index = this.#sent;
      this.#sent += to - from;
      this.send("history", `{"from":${index},"samples":${json},"more":${more}}`);
      if (response.writableNeedDrain) return;
    }
  }

  #onDrain(): void {
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    this.#sendHistory();
  }

  #write(text: string): void {
    if (this.#gone) return;
    const { response, clock } = this.#options;
    if (response.writableLength > waitingBytesMax) {
      this.drop();
      return;
    }
    if (!response.write(text)) this.#cancelStall ??= clock.after(stalledMsMax, () => this.drop());
  }
}
