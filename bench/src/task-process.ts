import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";

/** What such a process answers to each task. */
export type TaskReply<Done> = { readonly done: Done } | { readonly failed: string };

export interface TaskProcessOptions {
  /** For people: `load`, `client`. */
  readonly name: string;
  readonly module: URL;
  readonly execArgv: readonly string[];
  /** As `nice` takes it; default: that of this process. */
  readonly niceness?: number;
}

/** A process of ours that does one task at a time. */
export class TaskProcess<Task extends { readonly kind: string }, Done> implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;

  constructor({ name, module, execArgv, niceness }: TaskProcessOptions) {
    this.name = name;
    this.#child = fork(module, { execArgv: [...execArgv] });
    if (niceness !== undefined && this.#child.pid !== undefined) setPriority(this.#child.pid, niceness);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async run(task: Task): Promise<Done> {
    const reply = new Promise<TaskReply<Done>>((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`a ${this.name} process ended with code ${code}`));
      this.#child.once("exit", onExit);
      // Our child, and nobody else, sends replies.
      this.#child.once("message", (message: TaskReply<Done>) => {
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
