/**
 * The workload generator as a child process: measured beside the SuperNode it would measure that.
 *
 * It must not outlive this process, even one that dies by kill -9: we hold the other end of its stdin, and it ends itself
 * when that closes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

export interface WorkloadProcess {
  /** Asks it to end with what it has. */
  stop(): void;
  kill(): void;
  readonly ended: Promise<WorkloadEnd>;
}

export interface WorkloadEnd {
  readonly code: number | null;
  /** What it wrote to stdout. */
  readonly output: string;
  /** The last line that it wrote to stderr and that is no progress. */
  readonly lastLine: string | undefined;
}

/** A report is some KiB; one with a violation names some operations. */
const outputBytesMax = 4 * 2 ** 20;

export function startWorkloadProcess(options: {
  readonly args: readonly string[];
  /** Called with each line of progress, which is JSON. */
  readonly onProgress: (line: string) => void;
}): WorkloadProcess {
  const entry = createRequire(import.meta.url).resolve("@quorumfs/workload-generator");
  const script = join(dirname(entry), "..", "bin", "quorumfs-workload.js");
  const child = spawn(process.execPath, [script, ...options.args], {
    // Signals from a terminal are not for it.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...foreignEnvironment(), QUORUMFS_EXIT_WITH_PARENT: "1" },
  });
  child.stdin.on("error", () => undefined);
  const killWithParent = (): void => void child.kill("SIGKILL");
  process.prependListener("exit", killWithParent);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    if (output.length < outputBytesMax) output += piece;
  });
  let lastLine: string | undefined;
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (line.startsWith("{")) options.onProgress(line);
    else if (line.trim() !== "") lastLine = line;
  });
  const ended = endOf(child).then(({ code, failure }) => {
    process.off("exit", killWithParent);
    return { code, output, lastLine: failure ?? lastLine };
  });
  return { stop: () => void child.kill("SIGTERM"), kill: () => void child.kill("SIGKILL"), ended };
}

function endOf(child: ChildProcess): Promise<{ readonly code: number | null; readonly failure?: string }> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, failure: error.message }));
    // "close" comes after the last line of output.
    child.once("close", (code) => resolve({ code }));
  });
}

/** Settings of this process are none of its. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUORUMFS_")));
}
