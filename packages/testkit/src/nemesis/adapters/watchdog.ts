/**
 * Ends what a run has started when the run itself is gone, even by kill -9: processes that it holds by SIGSTOP would not
 * notice by themselves, and mounted volumes and data would stay. It is a process of its own, which hears what there is on its
 * stdin, and acts when that closes.
 */
import { spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Kept up to date by whoever starts and ends things. */
export interface Watchdog {
  readonly add: (kind: Kind, what: string | number) => void;
  readonly remove: (kind: Kind, what: string | number) => void;
  /** Ends it; what is still there is ended by it. */
  close(): Promise<void>;
}

const kinds = ["process", "mount", "directory"] as const;
type Kind = (typeof kinds)[number];

export function startWatchdog(): Watchdog {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin.on("error", () => undefined);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    add: (kind, what) => void child.stdin.write(`+ ${kind} ${what}\n`),
    remove: (kind, what) => void child.stdin.write(`- ${kind} ${what}\n`),
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

async function watch(): Promise<void> {
  // Ctrl-C reaches the whole terminal; who started us says when it is over.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  const there = new Map(kinds.map((kind) => [kind, new Set<string>()]));
  for await (const line of createInterface({ input: process.stdin })) {
    const [, sign, kind, what] = /^([+-]) (\w+) (.*)$/.exec(line) ?? [];
    const set = [...there].find(([name]) => name === kind)?.[1];
    if (what === undefined) continue;
    if (sign === "+") set?.add(what);
    else set?.delete(what);
  }
  for (const pid of there.get("process") ?? []) end(Number(pid));
  for (const path of there.get("mount") ?? []) spawnSync("umount", ["-l", path], { stdio: "ignore" });
  for (const path of there.get("directory") ?? []) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await watch();
