import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const startTimeoutMs = 30_000;
/** A server closes within its own grace; after this it is killed. */
const stopTimeoutMs = 10_000;

/** As `npm start` sets them, with the reasons in local-cluster. */
const heapOptions = ["--initial-old-space-size=64"];

/** What makes Node write a CPU profile to a directory when the process ends. */
export function profileOptions(name: string, directory: string | undefined): readonly string[] {
  return directory === undefined
    ? []
    : ["--cpu-prof", `--cpu-prof-dir=${directory}`, `--cpu-prof-name=${name}.cpuprofile`];
}

/** One of our servers, run by its own binary as users run it. */
export class ServerProcess {
  readonly name: string;
  /** Where it listens. */
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(name: string, address: string, child: ChildProcess) {
    this.name = name;
    this.address = address;
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it serves. */
  static async start(
    name: string,
    binary: "supernode" | "datanode",
    args: readonly string[],
    profile?: string,
  ): Promise<ServerProcess> {
    const entry = createRequire(import.meta.url).resolve(`@quorumfs/${binary}`);
    const script = join(dirname(entry), "..", "bin", `quorumfs-${binary}.js`);
    const child = spawn(process.execPath, [...heapOptions, ...profileOptions(name, profile), script, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      // As `npm start` runs them: threads for fsync. It ends when this process does, in whatever way.
      env: {
        ...process.env,
        UV_THREADPOOL_SIZE: "8",
        QUORUMFS_EXIT_WITH_PARENT: "1",
        QUORUMFS_CONSOLE_PORT: "off",
      },
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2_000)));
    const address = await new Promise<string>((resolve, reject) => {
      const fail = (why: string): void => {
        child.kill("SIGKILL");
        reject(new Error(`${name} did not start: ${why}\n${said}`));
      };
      const timer = setTimeout(() => fail("it took too long"), startTimeoutMs);
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code, signal) => fail(`it ended with ${signal ?? `code ${code}`}`));
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!line.startsWith("ready ")) return;
        clearTimeout(timer);
        child.removeAllListeners("exit");
        resolve(line.slice("ready ".length).trim());
      });
    });
    return new ServerProcess(name, address, child);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
  }
}
