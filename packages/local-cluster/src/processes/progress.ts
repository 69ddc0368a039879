import type { CancelTimer, Clock } from "@quorumfs/core";
import { type Party, partyName } from "../faults/party.js";
import type { ProcessEvent } from "./events.js";

export interface ProgressOptions {
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** A terminal gets one line that moves; anything else gets a line per event. */
  readonly terminal: boolean;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
const clearLine = "\r\u001b[K";

/** Tells people what the processes of a cluster are doing. */
export class Progress {
  readonly #options: ProgressOptions;
  /** Since when the moving line is there. */
  #busySinceMs: number | undefined;
  readonly #starting = new Set<Party>();
  #checking = false;
  #stopping = false;
  #frame = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  show(event: ProcessEvent): void {
    switch (event.kind) {
      case "starting":
        this.#starting.add(event.member);
        this.#note(`starting ${partyName(event.member)} ...`);
        break;
      case "started":
        this.#starting.delete(event.member);
        this.#say(`${partyName(event.member)} is ${event.again ? "back" : "up"} (${seconds(event.tookMs)})`);
        break;
      case "checking":
        this.#checking = true;
        this.#note("waiting until writes are accepted ...");
        break;
      case "ended":
        this.#starting.delete(event.member);
        this.#say(describeEnd(event));
        break;
      case "stopping":
        this.#stopping = true;
        this.#note("stopping the DataNodes, then the SuperNode ...");
        break;
    }
    this.#refresh();
  }

  /** Ready, or at the end: takes the moving line away. */
  done(): void {
    this.#checking = false;
    this.#stopping = false;
    this.#refresh();
  }

  /** What is going on, for the moving line. */
  get #busyWith(): string | undefined {
    if (this.#stopping) return "stopping the DataNodes, then the SuperNode";
    if (this.#starting.size > 0) return `starting ${describeParties([...this.#starting])}`;
    return this.#checking ? "waiting until writes are accepted" : undefined;
  }

  /** For those who have no moving line. */
  #note(line: string): void {
    if (!this.#options.terminal) this.#options.write(`${line}\n`);
  }

  #say(line: string): void {
    this.#options.write(`${this.#options.terminal ? clearLine : ""}${line}\n`);
  }

  #refresh(): void {
    const { terminal, clock, write } = this.#options;
    if (!terminal) return;
    this.#cancelTimer?.();
    const busyWith = this.#busyWith;
    if (busyWith === undefined) {
      write(clearLine);
      this.#busySinceMs = undefined;
      return;
    }
    this.#busySinceMs ??= clock.nowMs();
    this.#frame = (this.#frame + 1) % frames.length;
    write(`${clearLine}${frames[this.#frame] ?? ""} ${busyWith}  ${seconds(clock.nowMs() - this.#busySinceMs)}`);
    this.#cancelTimer = clock.after(frameMs, () => this.#refresh());
  }
}

/** Short, however many there are: it has to fit into one line. */
function describeParties(parties: readonly Party[]): string {
  const [first] = parties;
  return parties.length === 1 && first !== undefined ? partyName(first) : `${parties.length} DataNodes`;
}

function describeEnd({ member, how, next }: Extract<ProcessEvent, { kind: "ended" }>): string {
  const name = partyName(member);
  switch (next.kind) {
    case "restart":
      return `${name} ended (${how}); starting it again in ${seconds(next.inMs)}`;
    case "left":
      return `${name} did not start again (${how}); the others go on. Start it by hand with:\n  ${next.command}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
