import { TaskProcess } from "../task-process.js";
import type { LoadDone, LoadTask, Task } from "./tasks.js";

/** Below the servers': the load shall not win against what it loads. */
const niceness = 10;

/** A process that makes load. */
export class LoadProcess extends TaskProcess<Task, LoadDone | undefined> {
  /** Resolves when it is connected to the cluster. */
  static async start(endpoint: string): Promise<LoadProcess> {
    const load = new LoadProcess({
      name: "load",
      module: new URL("./loader.js", import.meta.url),
      execArgv: ["--max-semi-space-size=32"],
      niceness,
    });
    await load.run({ kind: "connect", endpoint });
    return load;
  }

  async load(task: LoadTask): Promise<LoadDone> {
    const done = await this.run(task);
    if (!done) throw new Error("the load process has measured nothing");
    return done;
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
