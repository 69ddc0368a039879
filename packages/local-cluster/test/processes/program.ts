import { type ChildProcess, spawn } from "node:child_process";

export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A program that runs beside the test, with all that it says. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ending>;
  stdout = "";
  stderr = "";
  #running = true;
  readonly #waiting: (() => void)[] = [];

  constructor(script: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(QUORUMFS_|NODE_OPTIONS|JEST)/.test(name));
    this.#child = spawn(process.execPath, [script, ...args], {
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        this.#running = false;
        resolve({ code, signal });
        this.#wake();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when it has said that, on stdout or stderr; rejects when it ends without. */
  async said(text: string | RegExp): Promise<void> {
    const matches = () => [this.stdout, this.stderr].some((said) => said.search(text) >= 0);
    while (!matches()) {
      if (!this.#running) throw new Error(`it ended without saying ${text}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when it has said that it has come so far (`progress <bytes>`), or when it has ended. */
  async reached(bytes: number): Promise<void> {
    const farthest = () => Number(/progress (\d+)(?![^]*progress )/.exec(this.stdout)?.[1] ?? -1);
    while (this.#running && farthest() < bytes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#running) return;
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), 15_000);
    await this.ended;
    clearTimeout(timer);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Whether a process of this id exists; one that has ended and was not waited for yet does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
