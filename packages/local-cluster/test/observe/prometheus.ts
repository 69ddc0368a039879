import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, systemRandom } from "@quorumfs/runtime";
import { freePorts } from "../../src/adapters/free-ports.js";
import { temporaryDirectory, type TemporaryDirectory } from "../../src/adapters/temporary-directory.js";
import { waitUntil } from "../../src/cluster/wait-until.js";

/** One series of an answer, with its value now. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const host = "127.0.0.1";

/** A Prometheus that scrapes once a second what a SuperNode tells it to. */
export class Prometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #address: string;
  readonly #directory: TemporaryDirectory;
  readonly #ended: Promise<void>;
  #running = true;
  #said = "";

  private constructor(child: ChildProcess, address: string, directory: TemporaryDirectory) {
    this.#child = child;
    this.#address = address;
    this.#directory = directory;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
    this.#ended = new Promise((resolve) => {
      const ended = (): void => {
        this.#running = false;
        resolve();
      };
      child.once("close", ended).once("error", ended);
    });
  }

  /** @param configuration the text of prometheus.yml */
  static async start(program: string, configuration: string): Promise<Prometheus> {
    const directory = await temporaryDirectory("quorumfs-prometheus-");
    const port = await freePorts({ host, count: 1, random: systemRandom() });
    const file = join(directory.path, "prometheus.yml");
    await writeFile(file, configuration);
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory.path, "data")}`,
      `--web.listen-address=${host}:${port}`,
    ];
    const child = spawn(program, args, { cwd: directory.path, stdio: ["ignore", "ignore", "pipe"] });
    const prometheus = new Prometheus(child, `${host}:${port}`, directory);
    try {
      await prometheus.until("Prometheus was ready", async () => {
        if (!prometheus.#running) throw new Error(`Prometheus ended:\n${prometheus.#said}`);
        return (await fetch(`http://${prometheus.#address}/-/ready`)).ok;
      });
      return prometheus;
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws Error with what Prometheus says about the expression */
  async query(expression: string): Promise<readonly Sample[]> {
    const body = new URLSearchParams({ query: expression });
    const response = await fetch(`http://${this.#address}/api/v1/query`, { method: "POST", body });
    return samplesOf(expression, await response.json());
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    await waitUntil({ what, condition, timeoutMs: 20_000, clock: systemClock() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#running) await this.#ended;
    await this.#directory.remove();
  }
}

function samplesOf(expression: string, answer: unknown): readonly Sample[] {
  const { status, error, data } = answer as {
    readonly status: string;
    readonly error?: string;
    readonly data?: {
      readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
    };
  };
  if (status !== "success" || data === undefined) throw new Error(`${expression}: ${error ?? status}`);
  return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
}
