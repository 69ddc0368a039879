/**
 * One of our binaries as a child process.
 *
 * A child must not outlive its parent, even one that dies by kill -9: the parent holds the other end of the child's
 * stdin, and the child ends itself when that closes (and is killed if this process ends in order without having stopped
 * it). Signals from the terminal must not reach it directly, since the
 * parent stops its children in order: so it has a process group of its own.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type ErrorCode, errorCodes, exitCodeOf, QuorumError } from "@quorumfs/core";

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last thing that it said about it. */
  readonly lastLine: string | undefined;
}

export interface Child {
  readonly pid: number;
  /** Settles when it says `ready`; rejects with what it said instead. */
  readonly ready: Promise<void>;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  /** Of the console that a SuperNode serves; known by the time that it is ready. */
  readonly consoleUrl: string | undefined;
  kill(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
}

/** Set for children of ours; see `runBinary`. */
const exitWithParent = { QUORUMFS_EXIT_WITH_PARENT: "1" };

/** What a SuperNode prints before `ready`. */
const consolePrefix = "console ";

/** fsync runs on these threads, and a DataNode has many under way. */
const threads = { UV_THREADPOOL_SIZE: "8" };

/**
 * V8 takes the buffers that bulk data is read into for growth of the heap, and a heap of 20 MiB is then marked once for every
 * 15 MiB that come in, which costs as much processor time as all the rest. With this much it counts as grown only from here on;
 * nothing is taken up before it is used.
 */
const oldObjects = "--initial-old-space-size=64";

export function startChild(script: string, args: readonly string[]): Child {
  const child = spawn(process.execPath, [oldObjects, script, ...args], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...foreignEnvironment(), ...threads, ...exitWithParent },
  });
  // It closes, and breaks, with the child.
  child.stdin.on("error", () => undefined);
  const killWithParent = (): void => void child.kill("SIGKILL");
  process.prependListener("exit", killWithParent);
  let running = true;
  let lastLine: string | undefined;
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (line.trim() !== "") lastLine = line;
  });

  const exited = new Promise<Exit>((resolve) => {
    child.once("error", (error) => {
      running = false;
      resolve({ code: null, signal: null, lastLine: error.message });
    });
    // "close" comes after the last line of output.
    child.once("close", (code, signal) => resolve({ code, signal, lastLine }));
    child.once("exit", () => {
      running = false;
      process.off("exit", killWithParent);
    });
  });
  let consoleUrl: string | undefined;
  const said = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith(consolePrefix)) consoleUrl = line.slice(consolePrefix.length);
      if (line.startsWith("ready")) resolve();
    });
  });
  const ready = Promise.race([said, exited.then((exit) => Promise.reject(errorOfExit(exit)))]);
  // Whoever waits hears of it; nobody has to.
  ready.catch(() => undefined);

  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    get running() {
      return running;
    },
    get consoleUrl() {
      return consoleUrl;
    },
    kill: (signal) => {
      if (running) child.kill(signal);
    },
  };
}

/** Settings for the parent are none for its children: those get theirs by flags. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUORUMFS_")));
}

/** `ended with code 2: the reason` */
export function describeExit(exit: Exit): string {
  const how = exit.signal === null ? (exit.code === null ? "did not start" : `code ${exit.code}`) : exit.signal;
  return exit.lastLine === undefined || exit.signal !== null ? how : `${how}: ${withoutName(exit.lastLine)}`;
}

/** What its exit code says, by the words of its last line. */
export function errorOfExit(exit: Exit): QuorumError {
  return new QuorumError({
    code: errorCodes.find((code) => exitCodeOf(code) === exit.code) ?? ("internal" satisfies ErrorCode),
    message: exit.lastLine === undefined ? `ended with ${describeExit(exit)}` : withoutName(exit.lastLine),
  });
}

/** Our binaries begin their last line with their own name, which the parent's message says in better words. */
function withoutName(line: string): string {
  return line.replace(/^quorumfs-[a-z]+: /, "");
}
