import { systemClock, versionOf } from "@quorumfs/runtime/lean";
import { openTracing, type Tracing } from "@quorumfs/telemetry/lean";
import { processTerminal } from "./cli/adapters/terminal.js";
import { uploadNotes } from "./cli/adapters/upload-notes.js";
import { commands } from "./cli/commands/index.js";
import { runCommandLine } from "./cli/run.js";
import { connect } from "./connect.js";

// What was begun mostly ends within this, and its outcome need not be left open.
const graceMs = 500;

const stopping = new AbortController();
const interrupt = new AbortController();
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait.
    if (stopping.signal.aborted) process.exit(code);
    stopping.abort();
    setTimeout(() => interrupt.abort(), graceMs);
    // For what knows no interruption, like waiting for standard input.
    setTimeout(() => process.exit(code), 2 * graceMs);
  });
}

const version = versionOf(new URL("../package.json", import.meta.url));
let tracing: Tracing | undefined;

const exitCode = await runCommandLine({
  version,
  commands,
  args: process.argv.slice(2),
  environment: process.env,
  terminal: processTerminal(),
  clock: systemClock(),
  notes: uploadNotes(process.env),
  connectTo: async (options) => {
    tracing ??= await openTracing({ environment: process.env, serviceName: "quorumfs", version });
    return connect({ ...options, tracer: tracing.tracer });
  },
  stopping: stopping.signal,
  signal: interrupt.signal,
});
await tracing?.close();
// What is left open by then (a pipe on standard input) must not keep the process.
process.exit(exitCode);
