import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { profileOptions } from "../server-process.js";
import type { Task, TaskDone, TaskReply } from "./tasks.js";

/** As `quorumfs` runs. */
const heapOptions = ["--max-semi-space-size=4", "--initial-old-space-size=64"];

/** The process that transfers files, one task at a time. */
export class ClientProcess implements AsyncDisposable {
  readonly name = "client";
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it is connected to the cluster. */
  static async start(endpoint: string, profile: string | undefined): Promise<ClientProcess> {
    const client = new ClientProcess(
      fork(new URL("./client.js", import.meta.url), {
        execArgv: [...heapOptions, ...profileOptions("client", profile)],
      }),
    );
    await client.run({ kind: "connect", endpoint });
    return client;
  }

  async run(task: Task): Promise<TaskDone> {
    const reply = new Promise<TaskReply>((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the client process ended with code ${code}`));
      this.#child.once("exit", onExit);
      // Our child, and nobody else, sends replies.
      this.#child.once("message", (message: TaskReply) => {
        this.#child.off("exit", onExit);
        resolve(message);
      });
    });
    this.#child.send(task);
    const answered = await reply;
    if ("failed" in answered) throw new Error(`${task.kind} failed: ${answered.failed}`);
    return answered.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }
}
