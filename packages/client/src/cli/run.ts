import { type Clock, exitCodeOf, QuorumError } from "@quorumfs/core";
import { connect } from "../connect.js";
import type { QuorumFs } from "../quorumfs.js";
import { type CommandLine, parseCommandLine } from "./adapters/parse-command-line.js";
import type { Context } from "./context.js";
import { patienceLog } from "./patience.js";
import { Printer } from "./printer.js";
import { OutputClosed, type Terminal } from "./terminal.js";
import { Reported } from "./transfers.js";
import type { UploadNotes } from "./upload-note.js";

export interface CommandRun extends CommandLine {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly notes: UploadNotes;
  /** How a cluster is reached; a test hands in one of its own. */
  readonly connectTo?: typeof connect;
  readonly stopping: AbortSignal;
  readonly signal: AbortSignal;
}

// A person who mistyped the address should not wait for the whole deadline.
const connectTimeoutMs = 5000;

/** Runs one command line. @returns its exit code */
export async function runCommandLine(options: CommandRun): Promise<number> {
  const { terminal, stopping, args } = options;
  let printer = new Printer(terminal, wantsJson(args) ? "json" : "table");
  const advice = new Set<string>();
  try {
    const parsed = await parseCommandLine(options);
    switch (parsed.kind) {
      case "text":
        await terminal.write(parsed.text.endsWith("\n") ? parsed.text : `${parsed.text}\n`);
        return 0;
      case "config":
        await terminal.write(`${JSON.stringify(parsed.config, undefined, 2)}\n`);
        return 0;
      case "run":
        printer = new Printer(terminal, parsed.config.output);
        await withCluster(
          { ...options, config: parsed.config, printer, advise: (line) => void advice.add(line) },
          parsed.run,
        );
        return stopping.aborted ? 130 : 0;
    }
  } catch (thrown) {
    const code = conclude(thrown, printer, stopping);
    for (const line of advice) printer.note(`quorumfs: ${line}`);
    return code;
  }
}

function conclude(thrown: unknown, printer: Printer, stopping: AbortSignal): number {
  if (thrown instanceof OutputClosed) return 0;
  if (thrown instanceof Reported) return stopping.aborted ? 130 : thrown.exitCode;
  const error = QuorumError.from(thrown);
  // Who pressed Ctrl-C knows; what may have happened all the same is news.
  const isNews = !stopping.aborted || error.code === "unknown_outcome";
  if (isNews) printer.problem(error);
  return stopping.aborted ? 130 : exitCodeOf(error.code);
}

async function withCluster(
  options: Omit<Context, "cluster" | "clusterId"> & Pick<CommandRun, "connectTo">,
  run: (context: Context) => Promise<void>,
): Promise<void> {
  const { config, printer, clock, connectTo = connect } = options;
  const log = patienceLog(clock, (line) => printer.note(line));
  const timeoutMs = Math.min(connectTimeoutMs, config.timeoutMs);
  let cluster: Promise<QuorumFs> | undefined;
  let clusterId: Promise<string> | undefined;
  const connected = (): Promise<QuorumFs> => (cluster ??= connectTo({ endpoints: config.endpoints, timeoutMs, log }));
  try {
    await run({
      ...options,
      cluster: connected,
      clusterId: () =>
        (clusterId ??= connected().then(async (client) => (await client.status({ timeoutMs })).clusterId)),
    });
  } finally {
    await (await cluster?.catch(() => undefined))?.close();
  }
}

/** Also for errors in the command line itself, before it is understood. */
function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      /^(-o|--output)=?jsonl?$/.test(arg) || (/^(-o|--output)$/.test(args[index - 1] ?? "") && /^jsonl?$/.test(arg)),
  );
}
