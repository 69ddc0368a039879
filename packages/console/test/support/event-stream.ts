import { get, type IncomingMessage } from "node:http";
import type { StreamEvents } from "../../src/api.js";

type Name = keyof StreamEvents;
interface Told {
  readonly event: string;
  readonly data: unknown;
}

/** A tab: what the console tells it, as it comes. */
export class EventStream implements AsyncDisposable {
  readonly told: Told[] = [];
  ended = false;
  readonly #response: IncomingMessage;
  #rest = "";

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.#take(text));
    response.on("error", () => undefined);
    response.on("close", () => (this.ended = true));
  }

  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const asked = get(`${url}/api/stream`, { headers: { ...headers }, agent: false }, (response) => {
        if (response.statusCode === 200) resolve(new EventStream(response));
        else {
          response.resume();
          reject(new Error(`status ${response.statusCode}`));
        }
      });
      asked.on("error", reject);
    });
  }

  /** All of one kind so far. */
  all<Event extends Name>(event: Event): readonly StreamEvents[Event][] {
    return this.told.filter((each) => each.event === event).map(({ data }) => data as StreamEvents[Event]);
  }

  last<Event extends Name>(event: Event): StreamEvents[Event] | undefined {
    return this.all(event).at(-1);
  }

  #take(text: string): void {
    const frames = (this.#rest + text).split("\n\n");
    this.#rest = frames.pop() ?? "";
    for (const frame of frames) {
      const event = /^event: (\w+)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (event !== undefined && data !== undefined) this.told.push({ event, data: JSON.parse(data) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#response.destroy();
  }
}
