import { exitCodeOf, QuorumError } from "@quorumfs/core";
import type { InferredOptionTypes } from "yargs";
import type { Settings } from "../settings.js";
import { exitWithParent } from "./exit-with-parent.js";
import { type ParseOptions, parseSettings } from "./parse-settings.js";

/** What a binary started, and how it ends. */
export interface Running {
  /** Printed on stdout as `ready <text>` once it serves: its address. */
  readonly ready?: string;
  /** Settles when it has ended by itself; a rejection becomes the exit code. Without it only a signal ends it. */
  readonly ended?: Promise<unknown>;
  /** Ends it in order; called once. */
  close(): Promise<void>;
}

export interface Binary<S extends Settings, Config> extends ParseOptions<S> {
  /** Validates the settings once; what it returns is what `--print-config` prints. May throw a QuorumError. */
  readonly configOf: (values: InferredOptionTypes<S>) => Config;
  readonly start: (config: Config) => Promise<Running>;
}

/** Longer than any server's own grace; who still runs then will not end by itself. */
const closeTimeoutMs = 15_000;

/**
 * The one shape of all our binaries: settings, start, `ready`, then SIGINT, SIGTERM or SIGHUP, close, exit 0. A second
 * signal ends the process at once. An error is one line on stderr and the exit code of its kind.
 */
export async function runBinary<S extends Settings, Config>(binary: Binary<S, Config>): Promise<void> {
  // Whoever read our output may have gone; that is no reason to stop serving others.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  try {
    exitWithParent();
    const parsed = await parseSettings(binary, process.argv.slice(2), process.env);
    if (parsed.kind === "text") return print(parsed.text);
    const config = binary.configOf(parsed.values);
    if (parsed.printConfig) return print(JSON.stringify(config, undefined, 2));
    await serve(await startInterruptibly(() => binary.start(config)));
    // Timers and sockets of libraries must not keep a process alive whose work is done.
    process.exit(0);
  } catch (thrown) {
    const error = QuorumError.from(thrown);
    process.stderr.write(`${binary.name}: ${error.message}\n`);
    if (error.code === "internal" && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    process.exit(exitCodeOf(error.code));
  }
}

/** Exit codes of a process that a signal has ended: 128 and the signal's number. */
const signals = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

/** From now on any of these signals ends the process at once. */
function quitOnSignal(): () => void {
  const undo = signals.map(([signal, code]) => {
    const quit = (): never => process.exit(code);
    process.once(signal, quit);
    return () => process.off(signal, quit);
  });
  return () => undo.forEach((off) => off());
}

/** A signal during the start ends the process at once: there is nothing to close in order yet. */
async function startInterruptibly(start: () => Promise<Running>): Promise<Running> {
  const undo = quitOnSignal();
  try {
    return await start();
  } finally {
    undo();
  }
}

async function serve(running: Running): Promise<void> {
  const signalled = nextSignal();
  // The port's timers do not keep the process alive, and a binary may wait for nothing but its signal.
  const alive = setInterval(() => undefined, 2 ** 30);
  if (running.ready !== undefined) print(`ready ${running.ready}`);
  let failure: { readonly thrown: unknown } | undefined;
  try {
    await (running.ended ? Promise.race([signalled, running.ended]) : signalled);
  } catch (thrown) {
    failure = { thrown };
  }
  quitOnSignal();
  await closeInTime(running);
  clearInterval(alive);
  if (failure) throw QuorumError.from(failure.thrown);
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const [signal] of signals) process.once(signal, () => resolve());
  });
}

async function closeInTime(running: Running): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `did not close within ${closeTimeoutMs / 1000} s`;
    timer = setTimeout(() => reject(new QuorumError({ code: "internal", message })), closeTimeoutMs);
  });
  try {
    await Promise.race([running.close(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}
