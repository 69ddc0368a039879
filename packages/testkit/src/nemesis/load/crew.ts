/** The client processes of a run, and what they tell. One that was killed is followed by another one. */
import type { Clock, Random } from "@quorumfs/core";
import type { ClientChild } from "../adapters/client-child.js";
import { History, operationsMax } from "./history.js";
import type { Samples } from "./samples.js";
import type { ClientTask, FileSet, FromClient } from "./messages.js";

export interface CrewOptions {
  readonly clients: number;
  readonly operationsPerSecond: number;
  readonly files: FileSet;
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  readonly random: Random;
  readonly clock: Clock;
  readonly samples: Samples;
  readonly startChild: (task: ClientTask, onMessage: (message: FromClient) => void) => ClientChild;
  /** A client could not go on; another one takes its place. */
  readonly onFailure: (message: string) => void;
  /** More would not be checked. */
  readonly onFull: () => void;
}

/** After a failure: whatever it was may have passed. */
const replaceAfterMs = 1_000;

/** After the last operation's deadline a client has ended, or never will. */
const stopSlackMs = 5_000;

export class Crew {
  readonly history = new History();
  readonly #options: CrewOptions;
  readonly #children = new Map<number, ClientChild>();
  #started = 0;
  #stopping = false;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  get pids(): readonly number[] {
    return [...this.#children.values()].map(({ pid }) => pid);
  }

  start(): void {
    for (let place = 0; place < this.#options.clients; place += 1) this.#startAt(place);
  }

  /** kill -9 of one of them; resolves when all that it had told is known. */
  async kill(place: number): Promise<void> {
    const child = this.#children.get(place);
    child?.kill();
    await child?.exited;
    this.#children.delete(place);
  }

  /** Puts a new client in the place of one that was killed. */
  replace(place: number): void {
    if (!this.#stopping && !this.#children.has(place)) this.#startAt(place);
  }

  /** Lets all of them finish what they have begun, and ends those that do not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const children = [...this.#children.values()];
    for (const child of children) child.stop();
    // Operations on big files have three times the deadline.
    const graceMs = 3 * this.#options.timeoutMs + stopSlackMs;
    const cancel = this.#options.clock.after(graceMs, () => children.forEach((child) => child.kill()));
    await Promise.all(children.map(({ exited }) => exited));
    cancel();
  }

  /** At once, whatever is under way. */
  async killAll(): Promise<void> {
    this.#stopping = true;
    const children = [...this.#children.values()];
    for (const child of children) child.kill();
    await Promise.all(children.map(({ exited }) => exited));
  }

  #startAt(place: number): void {
    const { clients, operationsPerSecond, files, endpoints, timeoutMs, random, startChild } = this.#options;
    const name = `c${(this.#started++).toString(36)}`;
    const seed = Math.floor(random.fraction() * 2 ** 32);
    const task = { endpoints, name, seed, operationsPerSecond: operationsPerSecond / clients, files, timeoutMs };
    this.#children.set(
      place,
      startChild(task, (message) => this.#onMessage(name, place, message)),
    );
  }

  #onMessage(client: string, place: number, message: FromClient): void {
    const { samples, onFailure, onFull, clock } = this.#options;
    switch (message.kind) {
      case "began":
        if (this.history.size >= operationsMax) onFull();
        this.history.began(client, message.mutation);
        break;
      case "ended":
        samples.add(message.sample);
        if (message.mutation) {
          this.history.ended(client, message.mutation.id, message.mutation.outcome, message.sample.endedAt);
        }
        this.history.read(message.reads ?? []);
        break;
      case "failed":
        onFailure(`client ${client}: ${message.message}`);
        this.#children.delete(place);
        if (!this.#stopping) clock.after(replaceAfterMs, () => this.replace(place));
        break;
      case "stopped":
        break;
    }
  }
}
