import { basename } from "node:path";
import type { Clock } from "@quorumfs/core";
import { type Child, type Exit, startChild } from "../adapters/child.js";
import type { Party } from "../faults/party.js";

export interface ProcessMemberOptions {
  readonly party: Party;
  readonly address: string;
  readonly directory: string;
  readonly logFile: string;
  /** The binary's script. */
  readonly script: string;
  readonly args: readonly string[];
  readonly clock: Clock;
  /** It ended, and nobody had asked it to. `wasReady`: not during its start. */
  readonly onUnexpectedExit: (member: ProcessMember, exit: Exit, wasReady: boolean) => void;
}

/** A server closes within its own grace of a few seconds. Twice this, for all DataNodes and then the SuperNode, is what `runBinary` gives us. */
const stopGraceMs = 6_000;

/** A member of a cluster of processes: its child process, now this one, after a restart that one. */
export class ProcessMember {
  readonly party: Party;
  /** `host:port`. */
  readonly address: string;
  readonly directory: string;
  readonly logFile: string;
  readonly #options: ProcessMemberOptions;
  #child: Child | undefined;
  #stopping = false;
  #paused = false;

  constructor(options: ProcessMemberOptions) {
    this.#options = options;
    this.party = options.party;
    this.address = options.address;
    this.directory = options.directory;
    this.logFile = options.logFile;
  }

  /** The command line by which people start it by hand. */
  get command(): string {
    return ["npx", basename(this.#options.script, ".js"), ...this.#options.args].join(" ");
  }

  get running(): boolean {
    return this.#child?.running === true;
  }

  /** Of its present process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.running ? this.#child.pid : undefined;
  }

  /** Of a SuperNode that serves one. */
  get consoleUrl(): string | undefined {
    return this.#child?.consoleUrl;
  }

  /** Resolves when it serves. Rejects with the reason why it does not. */
  async start(): Promise<void> {
    if (this.running) return;
    const { script, args, onUnexpectedExit } = this.#options;
    this.#stopping = false;
    this.#paused = false;
    const child = startChild(script, args);
    this.#child = child;
    let wasReady = false;
    void child.exited.then((exit) => {
      if (!this.#stopping && this.#child === child) onUnexpectedExit(this, exit, wasReady);
    });
    await child.ready;
    wasReady = true;
  }

  get paused(): boolean {
    return this.#paused && this.running;
  }

  /** SIGSTOP: it does nothing any more, while its connections stay up and the system takes what is sent to it. */
  pause(): void {
    this.#paused = true;
    this.#child?.kill("SIGSTOP");
  }

  /** SIGCONT: it goes on, and has noticed nothing of it. */
  resume(): void {
    this.#paused = false;
    this.#child?.kill("SIGCONT");
  }

  /** Ends it in order, or by force if it does not; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child?.running) return;
    // A process that is held does not even hear of a SIGTERM.
    this.resume();
    child.kill("SIGTERM");
    const cancel = this.#options.clock.after(stopGraceMs, () => child.kill("SIGKILL"));
    await child.exited;
    cancel();
  }

  /** kill -9, on purpose: nobody starts it again by itself. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }
}
