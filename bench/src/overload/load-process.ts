import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import type { LoadDone, LoadTask, Task, TaskReply } from "./tasks.js";

/** Below the servers': the load shall not win against what it loads. */
const niceness = 10;

/** A process that makes load. */
export class LoadProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when it is connected to the cluster. */
  static async start(endpoint: string): Promise<LoadProcess> {
    const child = fork(new URL("./loader.js", import.meta.url), { execArgv: ["--max-semi-space-size=32"] });
    if (child.pid !== undefined) setPriority(child.pid, niceness);
    const load = new LoadProcess(child);
    await load.#run({ kind: "connect", endpoint });
    return load;
  }

  async load(task: LoadTask): Promise<LoadDone> {
    const done = await this.#run(task);
    if (!done) throw new Error("the load process has measured nothing");
    return done;
  }

  async #run(task: Task): Promise<LoadDone | undefined> {
    const reply = new Promise<TaskReply>((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`a load process ended with code ${code}`));
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

/** Some of them. */
export class LoadPool implements AsyncDisposable {
  readonly loads: readonly LoadProcess[];

  private constructor(loads: readonly LoadProcess[]) {
    this.loads = loads;
  }

  static async start(endpoint: string, processes: number): Promise<LoadPool> {
    return new LoadPool(await Promise.all(Array.from({ length: processes }, () => LoadProcess.start(endpoint))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.loads.map((load) => load[Symbol.asyncDispose]()));
  }
}
