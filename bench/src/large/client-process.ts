import { profileOptions } from "../server-process.js";
import { TaskProcess } from "../task-process.js";
import type { Task, TaskDone } from "./tasks.js";

/** As `quorumfs` runs. */
const heapOptions = ["--max-semi-space-size=4", "--initial-old-space-size=64"];

/** The process that transfers files. */
export class ClientProcess extends TaskProcess<Task, TaskDone> {
  /** Resolves when it is connected to the cluster. */
  static async start(endpoint: string, profile: string | undefined): Promise<ClientProcess> {
    const client = new ClientProcess({
      name: "client",
      module: new URL("./client.js", import.meta.url),
      execArgv: [...heapOptions, ...profileOptions("client", profile)],
    });
    await client.run({ kind: "connect", endpoint });
    return client;
  }
}
