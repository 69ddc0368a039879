import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { uploadNotes } from "../../src/cli/adapters/upload-notes.js";
import { commands } from "../../src/cli/commands/index.js";
import { runCommandLine } from "../../src/cli/run.js";
import { OutputClosed, type Terminal } from "../../src/cli/terminal.js";
import type { QuorumFs } from "../../src/quorumfs.js";
import { VirtualClock } from "./virtual-clock.js";

/** Standard streams in memory. */
export class TestTerminal implements Terminal {
  readonly columns = 80;
  readonly hasColours = false;
  readonly #input: readonly string[];
  readonly #pieces: Buffer[] = [];
  err = "";
  /** After as many bytes the reader of standard output goes away. */
  takes = Infinity;
  /** What who is asked answers; undefined: nobody is there. */
  answer: boolean | undefined;
  /** The last that progress showed. */
  shown = "";

  constructor(input: readonly string[] = []) {
    this.#input = input;
  }

  get out(): string {
    return Buffer.concat(this.#pieces).toString();
  }

  async write(data: string | Uint8Array): Promise<void> {
    if (this.#pieces.reduce((sum, piece) => sum + piece.length, 0) >= this.takes) throw new OutputClosed();
    this.#pieces.push(Buffer.from(data));
  }

  complain(line: string): void {
    this.err += `${line}\n`;
  }

  async *input(): AsyncGenerator<Uint8Array> {
    for (const text of this.#input) yield Buffer.from(text);
  }

  progress(line: (columns: number) => string) {
    return () => void (this.shown = line(this.columns));
  }

  screen() {
    return undefined;
  }

  async confirm(question: string): Promise<boolean | undefined> {
    if (this.answer !== undefined) this.err += `${question}\n`;
    return this.answer;
  }
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line on a cluster in memory, in a directory of its own. */
export class CliBench {
  readonly directory = mkdtempSync(join(tmpdir(), "quorumfs-cli-"));
  readonly #cluster: QuorumFs;
  /** The last that progress showed of the last run. */
  shown = "";

  constructor(cluster: QuorumFs) {
    this.#cluster = cluster;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(this.path(name)), { recursive: true });
      await writeFile(this.path(name), content);
    }
  }

  /** Text of all files below a directory, by path. */
  async read(name: string): Promise<Readonly<Record<string, string>>> {
    const root = this.path(name);
    const found = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(
      await Promise.all(files.sort().map(async (path) => [relative(root, path), await readFile(path, "utf8")])),
    ) as Record<string, string>;
  }

  async run(
    args: readonly string[],
    options: {
      readonly input?: readonly string[];
      readonly takes?: number;
      readonly answer?: boolean;
      /** Somebody has pressed Ctrl-C. */
      readonly stopping?: AbortSignal;
    } = {},
  ): Promise<Outcome> {
    const terminal = new TestTerminal(options.input);
    terminal.takes = options.takes ?? Infinity;
    terminal.answer = options.answer;
    const never = new AbortController().signal;
    const code = await runCommandLine({
      version: "1.2.3",
      commands,
      args,
      environment: {},
      terminal,
      clock: new VirtualClock(),
      notes: uploadNotes({ XDG_STATE_HOME: this.path("state") }),
      connectTo: async () => this.#cluster,
      stopping: options.stopping ?? never,
      signal: never,
    });
    this.shown = terminal.shown;
    return { code, out: terminal.out, err: terminal.err };
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
