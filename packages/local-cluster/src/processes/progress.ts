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
  readonly #startedMs: number;
  readonly #starting = new Set<Party>();
  /** What the moving line says; undefined while there is none. */
  #busyWith: string | undefined;
  #frame = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  show(event: ProcessEvent): void {
    switch (event.kind) {
      case "starting":
        this.#starting.add(event.member);
        this.#busy(`starting ${[...this.#starting].map(partyName).join(", ")}`);
        break;
      case "started":
        this.#starting.delete(event.member);
        this.#say(`${partyName(event.member)} is ${event.again ? "back" : "up"} (${seconds(event.tookMs)})`);
        this.#busy(this.#starting.size > 0 ? `starting ${[...this.#starting].map(partyName).join(", ")}` : undefined);
        break;
      case "checking":
        this.#busy("waiting until writes are accepted");
        break;
      case "ended":
        this.#starting.delete(event.member);
        this.#say(describeEnd(event));
        break;
      case "stopping":
        this.#busy("stopping the DataNodes, then the SuperNode");
        break;
    }
  }

  /** Takes the moving line away. */
  done(): void {
    this.#busy(undefined);
  }

  #busy(what: string | undefined): void {
    const { terminal, write } = this.#options;
    if (!terminal) {
      if (what !== undefined && what !== this.#busyWith) write(`${what} ...\n`);
      this.#busyWith = what;
      return;
    }
    this.#busyWith = what;
    this.#cancelTimer?.();
    if (what === undefined) write(clearLine);
    else this.#draw();
  }

  #draw(): void {
    const { clock, write } = this.#options;
    this.#frame = (this.#frame + 1) % frames.length;
    const elapsed = seconds(clock.nowMs() - this.#startedMs);
    write(`${clearLine}${frames[this.#frame] ?? ""} ${this.#busyWith ?? ""}  ${elapsed}`);
    this.#cancelTimer = clock.after(frameMs, () => this.#draw());
  }

  #say(line: string): void {
    this.#options.write(`${this.#options.terminal ? clearLine : ""}${line}\n`);
    if (this.#options.terminal && this.#busyWith !== undefined) this.#busy(this.#busyWith);
  }
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
