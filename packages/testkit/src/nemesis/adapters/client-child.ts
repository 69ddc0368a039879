import { fork } from "node:child_process";
import { QuorumError } from "@quorumfs/core";
import type { ClientTask, FromClient, ToClient } from "../load/messages.js";
import type { Watchdog } from "./watchdog.js";

/** A client in a process of its own. */
export interface ClientChild {
  readonly pid: number;
  readonly exited: Promise<void>;
  /** Lets it finish what it has begun. */
  stop(): void;
  kill(): void;
}

/** @param options.onMessage also what was sent just before it was killed */
export function startClientChild(options: {
  task: ClientTask;
  watchdog: Watchdog;
  onMessage: (message: FromClient) => void;
}): ClientChild {
  const { task, watchdog, onMessage } = options;
  const child = fork(new URL("client-process.js", import.meta.url), {
    detached: true,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const { pid } = child;
  if (pid === undefined) throw new QuorumError({ code: "internal", message: "a client process could not be started" });
  watchdog.add("process", pid);
  child.on("message", onMessage);
  child.on("error", () => undefined);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      watchdog.remove("process", pid);
      // What it sent before it ended is read up to here.
      if (child.connected) child.once("disconnect", resolve);
      else resolve();
    });
  });
  const send = (message: ToClient): void => {
    if (child.connected) child.send(message, () => undefined);
  };
  send({ kind: "start", task });
  return {
    pid,
    exited,
    stop: () => send({ kind: "stop" }),
    kill: () => {
      child.kill("SIGKILL");
    },
  };
}
