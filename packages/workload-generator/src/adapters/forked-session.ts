import { type ChildProcess, fork } from "node:child_process";
import { errorCodes, QuorumError } from "@quorumfs/core";
import type { Operation } from "../history/operation.js";
import type { LiveSnapshot } from "../measure/live-counts.js";
import type { FromWorker, ToWorker } from "../processes/messages.js";
import type { Session, SessionProgress, SessionResult } from "../run/session.js";
import type { Share } from "../run/share.js";

/** A session in a process of its own. */
export class ForkedSession implements Session {
  readonly #share: Share;
  readonly #child: ChildProcess;
  readonly #history: Operation[] = [];
  /** The one call that waits for an answer. */
  #waiting: { resolve: (message: FromWorker) => void; reject: (error: QuorumError) => void } | undefined;
  #failure: QuorumError | undefined;
  progress: SessionProgress = { phase: "preparing", done: 0, failed: 0 };
  live: LiveSnapshot = { kinds: [], bytes: 0, inFlight: 0 };

  constructor(share: Share) {
    this.#share = share;
    // What the worker prints is an error of its own; "advanced" copies numbers such as Infinity as they are.
    this.#child = fork(new URL("worker.js", import.meta.url), {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (message: FromWorker) => this.#onMessage(message));
    this.#child.on("error", (cause) => this.#fail(`could not be started: ${cause.message}`, cause));
    this.#child.on("exit", (code, signal) => this.#fail(`ended early (${signal ?? `code ${code}`})`));
  }

  async prepare(): Promise<void> {
    await this.#ask({ kind: "prepare", share: this.#share });
  }

  async run(): Promise<SessionResult> {
    const answer = await this.#ask({ kind: "run" });
    if (answer.kind === "done") return { measurements: answer.measurements, history: this.#history };
    throw new QuorumError({ code: "internal", message: `a worker process answered run with ${answer.kind}` });
  }

  #ask(message: ToWorker): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#child.send(message);
    });
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case "progress":
        this.progress = message.progress;
        this.live = message.live;
        break;
      case "history":
        for (const operation of message.operations) this.#history.push(operation);
        break;
      case "failed": {
        const code = errorCodes.find((known) => known === message.code) ?? "internal";
        this.#reject(new QuorumError({ code, message: message.message }));
        break;
      }
      case "prepared":
      case "done":
        this.#waiting?.resolve(message);
        this.#waiting = undefined;
        break;
    }
  }

  #fail(what: string, cause?: unknown): void {
    this.#reject(
      new QuorumError({ code: "internal", message: `worker process ${this.#share.process + 1} ${what}`, cause }),
    );
  }

  #reject(error: QuorumError): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }

  stop(): void {
    if (this.#child.connected) this.#child.send({ kind: "stop" } satisfies ToWorker);
  }

  /** The worker ends when nobody is at the other end any more. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    await new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
  }
}
