import { versionOf } from "@quorumfs/runtime";
import { processTerminal } from "./cli/adapters/terminal.js";
import { commands } from "./cli/commands/index.js";
import { runCommandLine } from "./cli/run.js";

const interrupt = new AbortController();
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  // The first lets the command end in order, the second does not wait for it.
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(code);
    interrupt.abort();
  });
}

// What is left open by then (a pipe on standard input) must not keep the process.
process.exit(
  await runCommandLine({
    version: versionOf(new URL("../package.json", import.meta.url)),
    commands,
    args: process.argv.slice(2),
    environment: process.env,
    terminal: processTerminal(),
    signal: interrupt.signal,
  }),
);
